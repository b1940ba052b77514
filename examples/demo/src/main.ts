import { join } from 'node:path'
import { type Enforcer, fileKeyring, openFleet } from '@fleetcert/core'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { startAedes } from './aedes-broker.ts'
import { type DemoArguments, parseArguments, UsageError, usage } from './arguments.ts'
import { claimFolder, FolderInUse } from './claim-folder.ts'
import { fleetFolder } from './fleet-folder.ts'
import { freePort } from './free-port.ts'
import { keepRunning } from './keep-running.ts'
import { startMosquitto } from './mosquitto-broker.ts'
import { createReport } from './report.ts'
import { playScenario } from './scenario.ts'
import { startHub } from './start-hub.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

process.exitCode = await main(process.argv.slice(2))

/** Resolves the exit code: 0 all held, 1 something did not, 2 the command line cannot be used. */
async function main(argv: readonly string[]): Promise<number> {
  let flags: DemoArguments
  try {
    flags = parseArguments(argv)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${error.message}\n\n${usage}\n`)
    return 2
  }
  if (flags.help) {
    say(usage)
    return 0
  }
  let claim: ReturnType<typeof claimFolder>
  try {
    claim = claimFolder('.demo')
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
  try {
    return await demo(flags, join('.demo', 'certs'))
  } finally {
    claim.release()
  }
}

async function demo(flags: DemoArguments, directory: string): Promise<number> {
  const folder = fleetFolder(directory)
  const [hubPort, mqttPort] = [await portFor('the hub', 3000), await portFor('MQTT', 8883)]

  const enforcers: Enforcer[] = []
  const fleet = await openFleet({
    store: sqliteStore({ file: folder.path('fleet.db') }),
    keyring: fileKeyring(directory),
    organization: 'Fleetcert Demo',
    publish: { baseUrl: `http://127.0.0.1:${hubPort}` },
    enforcers,
  })
  await folder.writeAuthority(fleet)
  folder.writeServer(await fleet.issueServer({ hosts: ['localhost', '127.0.0.1', '::1'] }))
  const auth = createBrokerAuth({ fleet })
  const broker =
    flags.broker === 'mosquitto'
      ? await startMosquitto(fleet, folder, mqttPort)
      : await startAedes(auth, folder, mqttPort)
  if (broker.enforcer !== undefined) enforcers.push(broker.enforcer)
  const hub = await startHub(fleet, auth, hubPort, { url: `mqtts://127.0.0.1:${mqttPort}`, mqttSecurePort: mqttPort })

  say(
    `fleetcert demo: hub ${hub.url} on SQLite, ${broker.name} on mqtts://127.0.0.1:${mqttPort}, files in ${directory}\n`,
  )
  const report = createReport()
  await playScenario({ fleet, hub, broker, folder, report })
  await folder.writeCrls(fleet)
  say(`\n${report.held} held, ${report.failed} failed`)

  if (flags.keep && report.failed === 0) await keepRunning({ fleet, hub, broker, folder })
  await broker.close()
  await hub.close()
  await fleet.close()
  return report.failed === 0 ? 0 : 1
}

async function portFor(name: string, preferred: number): Promise<number> {
  const port = await freePort(preferred)
  if (port !== preferred) say(`Port ${preferred} is taken: ${name} uses ${port} instead.`)
  return port
}
