import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { anyOf, bearerToken, createDrain, createHub, sharedSecret, toNodeHandler } from '@fleetcert/hub'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { readToken } from '../folder/token-files.ts'
import { writeTrustFiles } from '../folder/trust-files.ts'
import { portNumber } from '../input/port-number.ts'
import { usageError } from '../output/cli-error.ts'
import type { ExitCode } from '../output/exit-codes.ts'

interface ServeOptions {
  readonly host: string
  readonly port: string
  readonly notice: string
}

/** EMQX keeps its connections for 30 s; node's default of 5 s would close them under its hands. */
const keepAliveTimeout = 65_000

export const addServe: AddCommand = (program, run) => {
  program
    .command('serve')
    .description('the hub: API for operators and devices, broker hooks, CRLs and OCSP')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <number>', '0 for a free one', '3000')
    .option('--notice <seconds>', 'at the end: for how long health says 503 before connections are refused', '0')
    .action(run(serve))
}

async function serve(context: CommandContext, options: ServeOptions): Promise<ExitCode | undefined> {
  const { folder, output, io } = context
  const port = portNumber('--port', options.port, true)
  if (!/^\d{1,4}$/.test(options.notice)) throw usageError('--notice: expected seconds')
  const settings = await folder.settings()
  const authorize = anyOf(
    bearerToken(await readToken(folder, 'operator-token')),
    sharedSecret({ header: 'x-broker-secret', secret: await readToken(folder, 'broker-token') }),
  )
  const fleet = await folder.open(settings, { background: true })
  try {
    await writeTrustFiles(folder, fleet)
    const drain = createDrain()
    const { brokerUrl, mqttSecurePort } = settings
    const hub = createHub({
      fleet,
      auth: createBrokerAuth({ fleet }),
      authorize,
      broker: { url: brokerUrl, mqttSecurePort },
      drain,
      onDeny: denial => output.note(`denied ${JSON.stringify(denial)}`),
      onError: (error, { method, path }) =>
        output.note(`${method} ${path}: ${error instanceof Error ? error.message : 'failed'}`),
    })
    const server = createServer({ keepAliveTimeout }, toNodeHandler(hub))
    server.listen(port, options.host)
    await once(server, 'listening', { signal: io.signal })
    const { address, port: bound, family } = server.address() as AddressInfo
    const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`
    output.result({ url, brokerUrl }, `listening on ${url}`)
    if (!io.signal.aborted) await once(io.signal, 'abort')
    await drain.end(server, { noticeSeconds: Number(options.notice) })
    output.note('ended')
    return undefined
  } finally {
    await fleet.close()
  }
}
