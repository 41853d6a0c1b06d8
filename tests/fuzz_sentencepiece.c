/* libFuzzer entry: any bytes as SentencePiece's tokenizer.model, and a text. */
#include "fuzz_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return read_and_encode(cril_spec_read_sentencepiece, data, size);
}
