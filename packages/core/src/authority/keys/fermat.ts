const rounds = 100

/**
 * Whether `modulus` is a square, or falls to Fermat's factorisation within 100 rounds: its two primes are too close (CVE-2022-26320).
 * Fermat: if n = a² − b², then n = (a + b)(a − b), and a is near √n when the factors are near each other. 100 rounds find primes that agree in a little more than their upper half;
 * two primes drawn at random never do (Boulder's goodkey makes the same number of rounds).
 */
export function hasClosePrimes(modulus: bigint): boolean {
  let a = squareRoot(modulus)
  if (a * a === modulus) return true
  a += 1n
  let rest = a * a - modulus
  for (let round = 0; round < rounds; round++) {
    if (isSquare(rest)) return true
    rest += 2n * a + 1n
    a += 1n
  }
  return false
}

/** ⌊√value⌋, by Newton's method from above. */
export function squareRoot(value: bigint): bigint {
  if (value < 2n) return value
  let root = 1n << BigInt((value.toString(16).length * 4 + 1) >> 1)
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

function isSquare(value: bigint): boolean {
  // Of the residues modulo 64 three in 16 are those of squares, modulo 45045 one in 22: one value in 120 is worth a root.
  if (!squaresModulo64[Number(value & 63n)]) return false
  const rest = Number(value % 45_045n)
  for (const [prime, squares] of squaresModulo) if (!squares[rest % prime]) return false
  const root = squareRoot(value)
  return root * root === value
}

const squaresModulo64 = squaresOf(64)
// 9 · 5 · 7 · 11 · 13 = 45045
const squaresModulo = [9, 5, 7, 11, 13].map(modulus => [modulus, squaresOf(modulus)] as const)

function squaresOf(modulus: number): Uint8Array {
  const squares = new Uint8Array(modulus)
  for (let root = 0; root < modulus; root++) squares[(root * root) % modulus] = 1
  return squares
}
