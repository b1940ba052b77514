import { createServer } from 'node:net'

/** `preferred` if nobody listens there, else one that the system picks. */
export async function freePort(preferred: number, host = '127.0.0.1'): Promise<number> {
  for (const port of [preferred, 0]) {
    const found = await new Promise<number | undefined>(resolve => {
      const probe = createServer()
      probe.once('error', () => resolve(undefined))
      probe.listen(port, host, () => {
        const address = probe.address()
        probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined))
      })
    })
    if (found !== undefined) return found
  }
  throw new Error('no free port')
}
