// A device that enrols, connects, and renews when it is told to, until it is killed: by its parent, or by itself at one of its changes on disk.
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { cutAt } from './cut-disk.ts'

const settings = JSON.parse(process.argv[2]!) as DeviceSettings

export interface DeviceSettings {
  readonly directory: string
  readonly deviceId: string
  readonly brokerUrl: string
  readonly hubUrl: string
  readonly token: string
  readonly trustAnchors: string
  readonly cutAt?: number
}

// At once: what was said before a SIGKILL has been said.
const say = (line: string): void => void writeSync(1, `${line}\n`)

if (settings.cutAt !== undefined) await cutAt(settings.cutAt)
const { connectDevice, fileIdentity } = await import('@fleetcert/mqtt-client')

const { directory, deviceId, hubUrl, brokerUrl, token, trustAnchors } = settings
const identity = fileIdentity(directory, deviceId, { bootstrap: { url: hubUrl, token, trustAnchors } })
process.on('disconnect', () => process.exit(1))
for (;;) {
  try {
    const device = await connectDevice(brokerUrl, {
      identity,
      renewal: { hub: hubUrl, pollSeconds: 1 },
      reconnect: { minSeconds: 0.05, spreadSeconds: 0.05, maxSeconds: 0.5 },
    })
    device.on('renewing', () => say('renewing'))
    device.on('renewed', () => say('renewed'))
    device.on('renewalFailed', ({ error, step }) => say(`failed ${step} ${error.code}`))
    device.on('refused', error => say(`refused ${error.code}`))
    say('connected')
    break
  } catch (error) {
    say(`waits ${(error as { code?: string }).code ?? error}`)
    await sleep(300)
  }
}
