/* libFuzzer entry: any bytes as tokenizer.json, and a text. */
#include "fuzz_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return read_and_encode(cril_spec_read_tokenizer_json, data, size);
}
