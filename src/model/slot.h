/* Weights of a model by their roles, and what a family says of each: its names in files, how a file
 * arranges it, whether a model may lack it. */
#ifndef CRIL_MODEL_SLOT_H
#define CRIL_MODEL_SLOT_H

/* Weights of a layer, or of the ends: embedding and head. */
enum cril_slot {
    CRIL_W_NONE,
    CRIL_W_ATTN_NORM,
    CRIL_W_ATTN_NORM_BIAS,
    CRIL_W_Q,
    CRIL_W_K,
    CRIL_W_V,
    CRIL_W_O,
    CRIL_W_Q_BIAS,
    CRIL_W_K_BIAS,
    CRIL_W_V_BIAS,
    CRIL_W_O_BIAS,
    CRIL_W_Q_NORM,
    CRIL_W_K_NORM,
    CRIL_W_Q_NORM_BIAS,
    CRIL_W_K_NORM_BIAS,
    CRIL_W_POST_ATTN_NORM,
    CRIL_W_Q_A, /* latent attention: to the latent query, and from it */
    CRIL_W_Q_A_NORM,
    CRIL_W_Q_B,
    CRIL_W_KV_A,
    CRIL_W_KV_A_NORM,
    CRIL_W_K_B,
    CRIL_W_V_B,
    CRIL_W_FFN_NORM,
    CRIL_W_FFN_NORM_BIAS,
    CRIL_W_GATE,
    CRIL_W_UP,
    CRIL_W_DOWN,
    CRIL_W_GATE_BIAS,
    CRIL_W_UP_BIAS,
    CRIL_W_DOWN_BIAS,
    CRIL_W_POST_FFN_NORM,
    CRIL_W_ROUTER,      /* [n_experts, n_embd] */
    CRIL_W_ROUTER_BIAS, /* [n_experts] added to scores where experts are chosen */
    CRIL_W_EXPERT_GATE, /* one for each expert, as the next two */
    CRIL_W_EXPERT_UP,
    CRIL_W_EXPERT_DOWN,
    CRIL_W_SHARED_ROUTER, /* [1, n_embd] gate of the shared expert */
    CRIL_W_SSM_U,         /* state spaces: input of the convolution, and its gate */
    CRIL_W_SSM_Z,
    CRIL_W_SSM_CONV, /* of width taps, by channels */
    CRIL_W_SSM_CONV_BIAS,
    CRIL_W_SSM_X,
    CRIL_W_SSM_DT,
    CRIL_W_SSM_DT_BIAS,
    CRIL_W_SSM_DT_NORM,
    CRIL_W_SSM_B_NORM,
    CRIL_W_SSM_C_NORM,
    CRIL_W_SSM_A, /* negative; of state numbers, by channels. Mamba 2: [heads] */
    CRIL_W_SSM_D,
    CRIL_W_SSM_NORM,
    CRIL_W_SSM_OUT,
    CRIL_W_DECAY, /* RWKV: time_decay, time_first, and the mixtures with the previous token */
    CRIL_W_FIRST,
    CRIL_W_MIX_K,
    CRIL_W_MIX_V,
    CRIL_W_MIX_R,
    CRIL_W_R,
    CRIL_W_FFN_MIX_K,
    CRIL_W_FFN_MIX_R,
    CRIL_W_FFN_R,
    CRIL_W_PROJECT_IN, /* from a narrow embedding to the residual stream, and back */
    CRIL_W_PROJECT_OUT,
    CRIL_W_EMBEDDING, /* of the ends, as all that follow; [n_vocab, width of the first step] */
    CRIL_W_EMBEDDING_NORM,
    CRIL_W_EMBEDDING_NORM_BIAS,
    CRIL_W_POSITIONS, /* [n_ctx + position_offset, n_embd] */
    CRIL_W_OUTPUT_NORM,
    CRIL_W_OUTPUT_NORM_BIAS,
    CRIL_W_OUTPUT, /* [n_vocab, width of the head's product]; the embedding where tied */
    CRIL_W_OUTPUT_BIAS,
    CRIL_N_SLOTS
};

/* Which rows of its tensor a weight is. Layers say how many heads there are and how wide. */
enum cril_tensor_part {
    CRIL_PART_ALL,
    CRIL_PART_Q, /* of all queries, all keys, all values */
    CRIL_PART_K,
    CRIL_PART_V,
    CRIL_PART_Q_OF_GROUP, /* of groups, one for each key head: its queries, its key, its value */
    CRIL_PART_K_OF_GROUP,
    CRIL_PART_V_OF_GROUP,
    CRIL_PART_FIRST_HALF,
    CRIL_PART_SECOND_HALF,
    CRIL_PART_LATENT_K, /* of heads: its key without the rotated part, its value */
    CRIL_PART_LATENT_V,
    CRIL_PART_SCAN_Z, /* of Mamba 2's input: the gate, what is convolved, the step sizes */
    CRIL_PART_SCAN_U,
    CRIL_PART_SCAN_STEPS
};

/* How what a file holds differs from what steps read. */
enum cril_change {
    CRIL_PLUS_ONE = 1 << 0,     /* a folder has w where a GGUF has 1 + w */
    CRIL_NEIGHBOURS = 1 << 1,   /* a folder has the halves of a head, a GGUF turned them into
                                   neighbours (cril_matrix.interleaved) */
    CRIL_EXCHANGED = 1 << 2,    /* a folder has rows and columns exchanged */
    CRIL_HEADS_TURNED = 1 << 3, /* the file has a matrix for each head, with rows and columns
                                   exchanged */
    CRIL_ANY_SHAPE = 1 << 4,    /* files store a vector in several dimensions, or the rows of a
                                   matrix in two */
    CRIL_LOG_NEGATIVE = 1 << 5, /* a folder has ln(-w) */
    CRIL_BY_CHANNELS = 1 << 6,  /* a vector that files store as a row of numbers for each channel;
                                   steps read it as kernels.h says of channels */
    CRIL_REPEATED = 1 << 7      /* files have a head's part of the vector, the same for all heads */
};

/* What a model may lack: together in all layers of a kind, or not at all. */
enum cril_optional {
    CRIL_QKV_BIAS = 1 << 0,
    CRIL_O_BIAS = 1 << 1,
    CRIL_FFN_BIAS = 1 << 2,
    CRIL_NORM_BIAS = 1 << 3,
    CRIL_QK_NORM = 1 << 4,
    CRIL_OUTPUT_BIAS = 1 << 5,
    CRIL_CONV_BIAS = 1 << 6,
    CRIL_ROUTER_BIAS = 1 << 7
};

/*
 * What the files call a weight and hold for it. In a name '#' stands for the layer's number, '@'
 * for that of an expert or head where each has a tensor of its own. A slot may have several rows:
 * the first whose tensor is there counts.
 */
struct cril_weight_row {
    enum cril_slot slot;
    const char *gguf;           /* "blk.#.attn_q.weight"; NULL: the row is not for GGUF files */
    const char *folder;         /* "model.layers.#.self_attn.q_proj.weight"; NULL likewise */
    unsigned changes;           /* of enum cril_change */
    enum cril_tensor_part part; /* of the tensor */
    unsigned optional;          /* of enum cril_optional; 0: every model has it */
};

#endif
