/** All pieces together. */
export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

/** The octets in pieces of that size, as a stream gives them. */
export async function* inPieces(octets: Uint8Array, size: number = 64 * 1024): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size)
}

/** What `work` rejects with, as `CODE reason`; `'nothing'` where it resolves. */
export async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'nothing'
  } catch (error) {
    const { code, details, message } = error as { code?: string; details?: { reason?: string }; message: string }
    return code === undefined ? message : [code, details?.reason].filter(Boolean).join(' ')
  }
}
