"""PCG32 (O'Neill 2014), written from the paper: the generator of cril's bootstraps, for the scripts that check them."""
MASK = 2**64 - 1
MULTIPLIER = 6364136223846793005
ONE_STREAM = 1442695040888963407  # pcg32 without a choice of stream


class Pcg32:
    def __init__(self, seed, increment=ONE_STREAM):
        self.increment = increment
        self.state = 0
        self.next()
        self.state = (self.state + seed) & MASK
        self.next()

    def next(self):
        old = self.state
        self.state = (old * MULTIPLIER + self.increment) & MASK
        word = ((old ^ (old >> 18)) >> 27) & 0xFFFFFFFF
        turn = old >> 59
        return ((word << 32 | word) >> turn) & 0xFFFFFFFF

    def below(self, n):
        while True:
            word = self.next()
            if word >= 2**32 % n:
                return word % n
