#include <cril/model.h>
cril_status cril_model_identity(cril_model *m, char hex[65], cril_error *err) { return cril_model_sha256(m, hex, err); }
