import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Enforcer, fileKeyring, openFleet } from '@fleetcert/core'
import { createBrokerAuth } from '@fleetcert/emqx-auth'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { startAedes } from './aedes-broker.ts'
import { fleetFolder } from './fleet-folder.ts'
import { freePort } from './free-port.ts'
import { keepRunning } from './keep-running.ts'
import { startMosquitto } from './mosquitto-broker.ts'
import { createReport } from './report.ts'
import { playScenario } from './scenario.ts'
import { startHub } from './start-hub.ts'

const { values: flags } = parseArgs({
  // pnpm hands a separating `--` on.
  args: process.argv.slice(2).filter(argument => argument !== '--'),
  options: { keep: { type: 'boolean', default: false }, broker: { type: 'string', default: 'aedes' } },
})
if (flags.broker !== 'aedes' && flags.broker !== 'mosquitto') {
  process.stderr.write("--broker: expected 'aedes' or 'mosquitto'\n")
  process.exit(2)
}

const directory = join('.demo', 'certs')
rmSync('.demo', { recursive: true, force: true })
const folder = fleetFolder(directory)
const [hubPort, mqttPort] = [await freePort(3000), await freePort(8883)]

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

process.stdout.write(
  `fleetcert demo: hub ${hub.url} on SQLite, ${broker.name} on mqtts://127.0.0.1:${mqttPort}, files in ${directory}\n\n`,
)
const report = createReport()
await playScenario({ fleet, hub, broker, folder, report })
await folder.writeCrls(fleet)
process.stdout.write(`\n${report.held} held, ${report.failed} failed\n`)

if (flags.keep && report.failed === 0) await keepRunning({ fleet, hub, broker, folder })
await broker.close()
await hub.close()
await fleet.close()
process.exitCode = report.failed === 0 ? 0 : 1
