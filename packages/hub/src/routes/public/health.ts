import type { Fleet } from '@fleetcert/core'
import { jsonAnswer } from '../../exchange/json-answer.ts'
import type { RouteHandler } from '../../exchange/router.ts'
import { settleWithin } from '../../exchange/settle-within.ts'
import type { HubOptions } from '../../hub.ts'

const deadlineMilliseconds = 2000

// Any id will do: the question is whether the store answers, not what.
const probeId = 'health.probe'

/**
 * `GET /api/health`, for load balancers: 503 while the store does not answer, and from the moment on when this process is to leave the pool. Anybody may ask, so it says no more, and askers at the same time share one look into
 * the store.
 */
export function healthHandler(fleet: Fleet, drain: HubOptions['drain']): RouteHandler {
  let probing: Promise<boolean> | undefined
  const probe = async (): Promise<boolean> => {
    const answers = fleet.device(probeId).then(
      () => true,
      () => false,
    )
    const isUp = await settleWithin(deadlineMilliseconds, answers, () => false)
    probing = undefined
    return isUp
  }
  return async () => {
    if (drain?.isDraining === true) return jsonAnswer(503, { status: 'draining', fleet: fleet.status })
    probing ??= probe()
    const isUp = await probing
    return jsonAnswer(isUp ? 200 : 503, { status: isUp ? 'ok' : 'unavailable', fleet: fleet.status })
  }
}
