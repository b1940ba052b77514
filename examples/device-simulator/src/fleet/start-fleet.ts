import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BackendCalls } from '../backend/backend-calls.ts'
import type { CertificateCount } from '../backend/count-certificates.ts'
import type { BackendAddress, BackendReport } from '../backend/start-backend.ts'
import { type Caller, type Calls, createCaller } from './calls.ts'
import type { DeviceReport } from './device-report.ts'
import type { RackCalls, RackOptions } from './rack.ts'
import { addStats, endedStats, type RackStats } from './rack-stats.ts'

export interface FleetOptions {
  readonly count: number
  /** Processes that the devices are spread over; a power cut hits one. */
  readonly racks: number
  /** Keeps what the backend and the devices keep on disk. */
  readonly directory: string
  readonly broker: 'aedes' | 'mosquitto'
  /** How often the hub tells devices to ask when to renew. Default 5. */
  readonly renewalInfoSeconds?: number
  readonly device: Pick<
    RackOptions,
    'telemetrySeconds' | 'protocolVersion' | 'renewOver' | 'pollSeconds' | 'clockSkewSeconds' | 'reconnect'
  >
}

/** A backend, and racks of devices, each in a process of its own. */
export interface SimulatedFleet extends AsyncDisposable {
  readonly address: BackendAddress
  /** Resolves when every device has connected once. */
  switchOn(): Promise<void>
  /** aedes may hang before it goes: what is sent meanwhile is in flight then. */
  restartBroker(request: {
    readonly downSeconds: number
    readonly hangSeconds?: number
  }): Promise<{ readonly backAt: number }>
  hurryRenewals(request: { readonly withinSeconds: number }): Promise<void>
  announceCa(): Promise<void>
  /** The broker restarts with it. */
  useAnnouncedCa(): Promise<void>
  /** Kills a rack's process where it stands, and switches it on again. Resolves when all of its devices are back. */
  cutPower(rack: number): Promise<void>
  /** With what racks did before their power was cut. */
  stats(): Promise<RackStats>
  devices(): Promise<readonly DeviceReport[]>
  /** What devices had done when their power was cut. */
  readonly cutOff: readonly DeviceReport[]
  certificates(): Promise<CertificateCount>
  backend(): Promise<BackendReport>
  /** Ends the telemetry and waits until all of it is acknowledged. */
  drain(): Promise<void>
  close(): Promise<void>
}

const owner = 'fleet'

/** Starts the backend; the devices wait for `switchOn`. */
export async function startFleet(options: FleetOptions): Promise<SimulatedFleet> {
  const children = new Set<ChildProcess>()
  const cutOff: DeviceReport[] = []
  const ended: RackStats[] = []
  const backend = start<BackendCalls>('../backend/backend-process.ts')
  const { broker, renewalInfoSeconds } = options
  const address = await backend.call('start', {
    directory: join(options.directory, 'backend'),
    broker,
    ...(renewalInfoSeconds !== undefined && { renewalInfoSeconds }),
  })
  const ids = Array.from({ length: options.count }, (_, index) => `device-${index + 1}`)
  const tokens = await backend.call('tokens', { deviceIds: ids, owner })
  const racks = Array.from({ length: options.racks }, (_, rack) => ({
    boot: 0,
    devices: ids.flatMap((deviceId, index) =>
      index % options.racks === rack ? [{ deviceId, token: tokens[index]! }] : [],
    ),
    process: undefined as Started<RackCalls> | undefined,
  }))

  function start<Served extends Calls>(file: string): Started<Served> {
    const child = fork(new URL(file, import.meta.url), {
      execArgv: [
        '--conditions=fleetcert-source',
        '--disable-warning=ExperimentalWarning',
        // The keys of a fleet that lasts minutes.
        '--disable-warning=FLEETCERT_UNENCRYPTED_KEY',
      ],
      serialization: 'advanced',
    })
    children.add(child)
    const exited = once(child, 'exit').then(() => void children.delete(child))
    return { child, exited, call: createCaller<Served>(child) }
  }

  async function switchOnRack(rack: number): Promise<void> {
    const it = racks[rack]!
    it.boot += 1
    it.process = start<RackCalls>('rack-process.ts')
    const directory = join(options.directory, `rack-${rack + 1}`)
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const { brokerUrl, hubUrl, trustAnchors } = address
    await it.process.call('start', {
      ...options.device,
      devices: it.devices,
      owner,
      directory,
      brokerUrl,
      hubUrl,
      trustAnchors,
      boot: it.boot,
    })
  }

  const running = (): Started<RackCalls>[] => racks.flatMap(({ process }) => process ?? [])
  const close = async (): Promise<void> => {
    await Promise.all(running().map(({ call }) => call('close', null).catch(() => {})))
    await backend.call('close', null).catch(() => {})
    const all = [...children]
    for (const child of all) child.disconnect()
    await Promise.all([backend.exited, ...running().map(({ exited }) => exited)])
  }

  return {
    address,
    async switchOn() {
      await Promise.all(racks.map((_, rack) => switchOnRack(rack)))
    },
    async restartBroker({ downSeconds, hangSeconds = 0 }) {
      await backend.call('stopBroker', { hangSeconds })
      await new Promise(resolve => setTimeout(resolve, downSeconds * 1000))
      await backend.call('startBroker', null)
      return { backAt: Date.now() }
    },
    hurryRenewals: request => backend.call('hurryRenewals', request),
    announceCa: () => backend.call('announceCa', null),
    useAnnouncedCa: () => backend.call('useAnnouncedCa', null),
    cutOff,
    async cutPower(rack) {
      const { process: cut } = racks[rack]!
      if (cut === undefined) throw new Error('the rack is off')
      cutOff.push(...(await cut.call('reports', null)))
      ended.push(endedStats(await cut.call('stats', null)))
      cut.child.kill('SIGKILL')
      await cut.exited
      await switchOnRack(rack)
    },
    stats: async () => addStats([...ended, ...(await Promise.all(running().map(({ call }) => call('stats', null))))]),
    devices: async () => (await Promise.all(running().map(({ call }) => call('reports', null)))).flat(),
    certificates: () => backend.call('certificates', null),
    backend: () => backend.call('report', null),
    async drain() {
      await Promise.all(running().map(({ call }) => call('drain', null)))
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Started<Served extends Calls> {
  readonly child: ChildProcess
  readonly exited: Promise<void>
  readonly call: Caller<Served>
}
