import { resolve } from 'node:path'
import { type EmqxVersion, emqxConfig, haproxyConfig } from '@fleetcert/emqx-auth'
import { mosquittoAcl, mosquittoConfig } from '@fleetcert/emqx-auth/mosquitto'
import { Argument } from 'commander'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { readToken } from '../folder/token-files.ts'
import { fileModes, writeFileWhole } from '../folder/write-file.ts'
import { collect } from '../input/attributes.ts'
import { portNumber } from '../input/port-number.ts'
import { usageError } from '../output/cli-error.ts'
import type { ExitCode } from '../output/exit-codes.ts'

interface BrokerOptions {
  readonly emqx?: string
  readonly hub: string
  readonly certs?: string
  readonly crlFile?: string
  readonly broker?: readonly string[]
  readonly out?: string
}

/** A file of a broker's configuration. */
interface ConfigFile {
  readonly name: string
  readonly text: string
  /** Whether the secret is in it by which the broker shows itself to the hub. */
  readonly secret?: true
}

const kinds = ['emqx', 'mosquitto', 'haproxy'] as const

export const addBroker: AddCommand = (program, run) => {
  program
    .command('broker')
    .description('the configuration of a broker, or of HAProxy before brokers')
    .addArgument(new Argument('<kind>').choices(kinds))
    .option('--emqx <version>', 'of EMQX, such as 5.8.9; needed for it')
    .option('--hub <url>', 'where the broker reaches fleetcert serve', 'http://127.0.0.1:3000')
    .option('--certs <folder>', "where ca-cert.pem, server-cert.pem and server-key.pem are on the broker's machine")
    .option('--crl-file <path>', 'mosquitto: where fleetcert crl --out writes it')
    .option('--broker <host:port>', 'haproxy: a broker behind it; may be said several times', collect)
    .option('--out <folder>', 'write files there in place of printing')
    .action(run(broker))
}

async function broker(
  context: CommandContext,
  kind: (typeof kinds)[number],
  options: BrokerOptions,
): Promise<ExitCode | undefined> {
  const { folder, output, io } = context
  const files = await configFiles(context, kind, options)
  if (options.out !== undefined) {
    const written: string[] = []
    for (const { name, text, secret } of files) {
      const path = resolve(io.cwd, options.out, name)
      await writeFileWhole(path, text, secret === true ? fileModes.secret : fileModes.public)
      written.push(path)
    }
    output.result({ files: written }, () => written.join('\n'))
    return undefined
  }
  if (files.some(({ secret }) => secret === true)) {
    output.note(`# the secret in it is that of ${folder.path('broker-token')}: keep it to yourself`)
  }
  output.result({ files: files.map(({ name, text }) => ({ name, text })) }, () =>
    files.map(({ name, text }) => (files.length === 1 ? text : `#### ${name}\n${text}`)).join('\n'),
  )
  return undefined
}

async function configFiles(
  context: CommandContext,
  kind: (typeof kinds)[number],
  options: BrokerOptions,
): Promise<readonly ConfigFile[]> {
  const { folder } = context
  const { crlFile } = options
  const at = (name: string): string => (options.certs === undefined ? folder.path(name) : `${options.certs}/${name}`)
  const pem = { caFile: at('ca-cert.pem'), certFile: at('server-cert.pem'), keyFile: at('server-key.pem') }
  const settings = await folder.settings()
  const { mqttSecurePort: port } = settings
  switch (kind) {
    case 'emqx':
      return emqxFiles(options, { ...pem, bind: `0.0.0.0:${port}` }, await readToken(folder, 'broker-token'))
    case 'mosquitto': {
      const aclFile = options.certs === undefined ? folder.path('mosquitto.acl') : at('mosquitto.acl')
      const crl = crlFile === undefined ? {} : { crlFile }
      const services = await context.withFleet(async fleet => {
        const found: string[] = []
        for await (const { deviceId, role } of fleet.devices()) if (role === 'service') found.push(deviceId)
        return found
      })
      return [
        { name: 'mosquitto.conf', text: mosquittoConfig({ port, ...pem, aclFile, ...crl }) },
        { name: 'mosquitto.acl', text: mosquittoAcl({}, { services }) },
      ]
    }
    case 'haproxy': {
      const brokers = (options.broker ?? []).map((text, index) => serverOf(text, `broker${index + 1}`))
      if (brokers.length === 0) throw usageError('haproxy: expected --broker <host:port>, once for each')
      return [{ name: 'haproxy.cfg', text: haproxyConfig({ brokers, bind: `:${port}` }) }]
    }
  }
}

function emqxFiles(
  { emqx: version, hub }: BrokerOptions,
  listener: Parameters<typeof emqxConfig>[0]['listener'],
  secret: string,
): readonly ConfigFile[] {
  if (version === undefined)
    throw usageError('emqx: expected --emqx <version>', 'emqx ctl broker, or the image tag, says it')
  if (!/^https?:\/\/[^/]+\/?$/.test(hub))
    throw usageError(`--hub: expected an origin such as http://127.0.0.1:3000, not "${hub}"`)
  const hooks = `${hub.replace(/\/$/, '')}/api/devices/certificates`
  const common = {
    authUrl: `${hooks}/validate`,
    authorizeUrl: `${hooks}/authorize`,
    secretHeader: { name: 'x-broker-secret', value: secret },
    listener,
  }
  if (!version.startsWith('4.')) {
    const text = emqxConfig({ ...common, version: version as Exclude<EmqxVersion, `4.${string}`> })
    return [{ name: 'emqx.conf', text, secret: true }]
  }
  const files = emqxConfig({ ...common, version: version as Extract<EmqxVersion, `4.${string}`> })
  return [
    { name: 'emqx.conf', text: files.emqxConf },
    { name: 'emqx_auth_http.conf', text: files.pluginConf, secret: true },
    { name: 'fleetcert-acl.conf', text: files.aclConf },
  ]
}

function serverOf(text: string, name: string): { readonly name: string; readonly host: string; readonly port: number } {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? []
  if (host === undefined || port === undefined) throw usageError(`--broker: expected host:port, not "${text}"`)
  return { name, host, port: portNumber('--broker', port) }
}
