import type { Enforcement } from '../../fleet/fleet.ts'
import type { FleetEvent } from '../../store/store.ts'
import type { AdmissionCause, OpenTask } from './enforcement-state.ts'

/** A silence that this process began when it revoked, before the ledger told of it. */
export interface RecentSilence {
  readonly enforcement: Promise<Enforcement>
  /** What each enforcer that has confirmed said. */
  readonly outcomes: ReadonlyMap<string, SilenceOutcome>
}

export type SilenceOutcome = 'gone' | 'wasNotConnected'

/** An event that names a device. */
export type DeviceEvent = FleetEvent & { readonly deviceId: string }

/** What is to be done about one device. */
export interface Task {
  readonly deviceId: string
  sequence: number
  /** When the revocation was made that is to be enforced: its events, one for each certificate, share it. */
  silenceAt: number | undefined
  admit: AdmissionCause | undefined
  recent: RecentSilence | undefined
  isRunning: boolean
  failures: number
  /** Not before this moment of `performance.now()`. */
  notBefore: number
}

/** What is to be done, by device; in the order in which it was asked for. */
export interface Tasks extends Iterable<Task> {
  readonly size: number
  /** A device that was revoked or held: silence comes before what is still to be admitted. */
  silence(event: DeviceEvent, recent: RecentSilence | undefined): void
  admit(event: DeviceEvent, cause: AdmissionCause): void
  restore(open: readonly OpenTask[]): void
  delete(task: Task): void
  /** Nothing is to be done any more; what is running stays until it has ended, and asks for nothing then. */
  forget(): void
  state(): OpenTask[]
}

export function createTasks(): Tasks {
  const tasks = new Map<string, Task>()
  const taskOf = (deviceId: string, sequence: number): Task => {
    let task = tasks.get(deviceId)
    if (task === undefined) {
      task = {
        deviceId,
        sequence,
        silenceAt: undefined,
        admit: undefined,
        recent: undefined,
        isRunning: false,
        failures: 0,
        notBefore: 0,
      }
      tasks.set(deviceId, task)
    }
    task.sequence = Math.max(task.sequence, sequence)
    return task
  }
  return {
    get size() {
      return tasks.size
    },
    [Symbol.iterator]: () => tasks.values(),
    silence(event, recent) {
      const task = taskOf(event.deviceId, event.sequence)
      task.silenceAt = event.at.getTime()
      task.admit = undefined
      task.recent = recent
      task.notBefore = 0
    },
    admit(event, cause) {
      taskOf(event.deviceId, event.sequence).admit = cause
    },
    restore(open) {
      for (const { deviceId, sequence, silence, admit } of open) {
        const task = taskOf(deviceId, sequence)
        if (silence) task.silenceAt = 0
        if (admit !== undefined) task.admit = admit
      }
    },
    delete: task => void tasks.delete(task.deviceId),
    forget() {
      for (const task of tasks.values()) {
        task.silenceAt = undefined
        task.admit = undefined
        task.recent = undefined
        if (!task.isRunning) tasks.delete(task.deviceId)
      }
    },
    state: () =>
      Array.from(tasks.values(), ({ deviceId, sequence, silenceAt, admit }) => ({
        deviceId,
        sequence,
        silence: silenceAt !== undefined,
        ...(admit === undefined ? {} : { admit }),
      })),
  }
}
