import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A port of 127.0.0.1 that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Resolves once something takes connections on a port of 127.0.0.1. Rejects after ten seconds, with what `log` says. */
export async function listening(port: number, log: () => string = () => ''): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt += 1) {
    if (await isOpen(port)) return
    await sleep(20)
  }
  throw new Error(`nothing listens on port ${port}: ${log()}`)
}

function isOpen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined))
    socket.on('error', () => resolve(false))
  })
}
