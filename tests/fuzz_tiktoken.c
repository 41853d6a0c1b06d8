/* libFuzzer entry: any bytes as qwen.tiktoken, and a text. */
#include "fuzz_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return read_and_encode(cril_spec_read_tiktoken, data, size);
}
