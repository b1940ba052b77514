import { checkNames, type IoOptions, type KnownNames } from '@fleetcert/x509'
import { checkedNow } from '../../authority/check-clock.ts'
import type { EnrollmentToken, FleetEventInput } from '../../store/store.ts'
import type { FleetParts } from '../create-fleet.ts'
import type { Fleet } from '../fleet.ts'
import { checkAttributes, checkIdentifier } from '../identifier.ts'
import { type CreateTokenRequest, type DeviceToken, newToken, tokenHash } from './device-token.ts'

const day = 86_400
const requestNames: KnownNames<CreateTokenRequest> = {
  deviceId: true,
  profile: true,
  owner: true,
  attributes: true,
  expiresInSeconds: true,
}

/** The part of a fleet that gives devices leave to enrol. */
export function createTokens({
  store,
  clock,
  profiles,
}: Pick<FleetParts, 'store' | 'clock' | 'profiles'>): Fleet['createToken'] {
  return async (request: CreateTokenRequest, options?: IoOptions): Promise<DeviceToken> => {
    checkNames('createToken', request, requestNames)
    const { deviceId, profile, owner, attributes, expiresInSeconds = day } = request
    checkIdentifier(deviceId, 'deviceId')
    if (owner !== undefined) checkIdentifier(owner, 'owner')
    // A name that no profile has would be heard of by the device alone.
    profiles.device('device', profile)
    if (!Number.isSafeInteger(expiresInSeconds) || expiresInSeconds < 60 || expiresInSeconds > 366 * day) {
      throw new RangeError('expiresInSeconds: expected a whole number, from a minute to 366 days')
    }
    const now = await checkedNow(store, clock, options)
    const expiresAt = new Date(now.getTime() + expiresInSeconds * 1000)
    const token = newToken()
    const kept: EnrollmentToken = {
      hash: tokenHash(token),
      deviceId,
      expiresAt,
      ...(profile !== undefined && { profile }),
      ...(owner !== undefined && { owner }),
      ...(attributes !== undefined && { attributes: checkAttributes(attributes) }),
    }
    await store.addToken(kept, [eventOf(kept, now)], options)
    return { token, deviceId, expiresAt }
  }
}

/** Who may enrol, as what, and until when; neither the token nor its hash. */
function eventOf({ deviceId, expiresAt, profile, owner }: EnrollmentToken, at: Date): FleetEventInput {
  return {
    type: 'tokenCreated',
    at,
    deviceId,
    details: {
      expiresAt: expiresAt.toISOString(),
      ...(profile !== undefined && { profile }),
      ...(owner !== undefined && { owner }),
    },
  }
}
