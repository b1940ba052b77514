import { setTimeout as sleep } from 'node:timers/promises'

/** Calls again until the call does not reject. */
export async function untilHealed<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await call()
    } catch (error) {
      if (tries === 600) throw error
      await sleep(50)
    }
  }
}
