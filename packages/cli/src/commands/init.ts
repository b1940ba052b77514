import { existsSync } from 'node:fs'
import type { AddCommand, CommandContext } from '../command-context.ts'
import { type FleetSettings, keepSettings, settingsName, writeSettings } from '../folder/settings.ts'
import { makeToken, tokenNames } from '../folder/token-files.ts'
import { writeTrustFiles } from '../folder/trust-files.ts'
import { portNumber } from '../input/port-number.ts'
import { cliError } from '../output/cli-error.ts'
import type { ExitCode } from '../output/exit-codes.ts'

interface InitOptions {
  readonly organization?: string
  readonly baseUrl?: string
  readonly crl?: string
  readonly broker?: string
}

export const addInit: AddCommand = (program, run) => {
  program
    .command('init')
    .description('make a fleet in an empty folder: root, issuing CA, tokens')
    .option('--organization <name>', 'names the CAs')
    .option('--base-url <url>', 'http origin of CRLs and OCSP, written into every certificate from the first one on')
    .option(
      '--crl <order>',
      'der, or pemFirst for EMQX, which refreshes CRLs from PEM alone before 6.0.3, 6.1.2 and 6.2.1',
    )
    .option(
      '--broker <url>',
      'what devices are told to connect to (default: mqtts://localhost and MQTT_SECURE_PORT or 8883)',
    )
    .action(run(init))
}

const caFiles = ['ca-cert.pem', 'ca-key.pem', 'root-key.pem']

async function init(context: CommandContext, options: InitOptions): Promise<ExitCode | undefined> {
  const { folder, output, io } = context
  const settings = settingsOf(options, io.env)
  if (existsSync(folder.path(settingsName))) {
    throw cliError({
      code: 'FLEET_EXISTS',
      message: `there is a fleet in ${folder.directory} already: nothing was changed`,
    })
  }
  if (!existsSync(folder.path('fleet.db')) && caFiles.some(name => existsSync(folder.path(name)))) {
    throw cliError({
      code: 'FOREIGN_CA',
      message: `there is a CA in ${folder.directory} already that is no fleet: nothing was changed`,
      hint: 'make the fleet in another folder by --dir, then take that CA over: fleetcert import',
    })
  }
  const fleet = await folder.open(settings)
  try {
    await writeTrustFiles(folder, fleet)
    for (const name of tokenNames) await makeToken(folder, name)
    const store = folder.store()
    try {
      await keepSettings(store, settings)
    } finally {
      await store.close()
    }
    // Last: until it is there, init may be run again and finishes what it began.
    await writeSettings(folder.path(settingsName), settings)
    const [issuers, isEncrypted] = [[] as string[], io.env['FLEETCERT_KEY_PASSPHRASE'] !== undefined]
    for await (const { issuerKeyId } of fleet.issuers()) issuers.push(issuerKeyId)
    const value = { directory: folder.directory, issuers, keysEncrypted: isEncrypted, ...settings }
    output.result(value, () => `made a fleet in ${folder.directory}: ca-cert.pem is what brokers and devices trust`)
  } finally {
    await fleet.close()
  }
  if (settings.baseUrl === undefined) {
    output.note('certificates will name no CRL and no OCSP: --base-url would have said where they are')
  }
  output.note('next: fleetcert server <host>, fleetcert device <id>, fleetcert serve')
  return undefined
}

function settingsOf(options: InitOptions, env: CommandContext['io']['env']): FleetSettings {
  const mqttSecurePort = portNumber('MQTT_SECURE_PORT', env['MQTT_SECURE_PORT'] ?? '8883')
  const brokerUrl = options.broker ?? `mqtts://localhost:${mqttSecurePort}`
  if (!URL.canParse(brokerUrl) || new URL(brokerUrl).protocol !== 'mqtts:') {
    throw new TypeError(`--broker: expected mqtts://host:port, not "${brokerUrl}"`)
  }
  const { port } = new URL(brokerUrl)
  const { organization, baseUrl, crl } = options
  if (baseUrl !== undefined && !/^http:\/\//i.test(baseUrl)) {
    throw new TypeError(
      '--base-url: expected http://host:port, and not https: what is fetched there is signed by itself',
    )
  }
  if (crl !== undefined && crl !== 'der' && crl !== 'pemFirst') throw new TypeError('--crl: expected der or pemFirst')
  return {
    format: 1,
    ...(organization === undefined ? {} : { organization }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(crl === undefined ? {} : { crl }),
    brokerUrl,
    mqttSecurePort: port === '' ? 8883 : Number(port),
  }
}
