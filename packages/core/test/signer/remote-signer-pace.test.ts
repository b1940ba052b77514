import { describe, expect, it } from 'vitest'
import { createPace } from '../../src/signer/remote-signer-pace.ts'
import { retryAdvice } from '../../src/signer/remote-signer-retry.ts'

describe('the pace of a remote signer', () => {
  it('lets a tenth of a second’s requests begin at once, and then as many as the rate allows', () => {
    const pace = createPace(100)
    const began: number[] = []
    for (let now = 0; now < 3_000; now += 1) {
      while (pace.waitMs(now) === 0) {
        pace.begin(now)
        began.push(now)
      }
    }
    expect(began.filter(at => at === 0)).toHaveLength(10)
    // In no second more than 110: a limit of 100 a second with the usual bucket is not met by more than that.
    for (const from of began)
      expect(began.filter(at => at >= from && at < from + 1_000).length).toBeLessThanOrEqual(110)
    expect(began.length).toBeGreaterThanOrEqual(305)
  })

  it('one a second is one a second', () => {
    const pace = createPace(1)
    expect(pace.waitMs(0)).toBe(0)
    pace.begin(0)
    expect(pace.waitMs(250)).toBe(750)
    expect(pace.backlogMs(0, 5)).toBe(5_000)
    expect(pace.waitMs(1_000)).toBe(0)
    // What was not used is not saved up.
    expect(pace.waitMs(60_000)).toBe(0)
    pace.begin(60_000)
    expect(pace.waitMs(60_000)).toBe(1_000)
  })

  it('without a rate nothing waits', () => {
    const pace = createPace(Number.POSITIVE_INFINITY)
    for (let request = 0; request < 1_000; request += 1) pace.begin(0)
    expect(pace.waitMs(0)).toBe(0)
    expect(pace.backlogMs(0, 1_000)).toBe(0)
  })

  it('what is throttled makes all wait, as long as the remote end says', () => {
    const pace = createPace(Number.POSITIVE_INFINITY)
    expect(pace.failed(0, { beganAt: 0, throttled: true, afterMs: 7_000 })).toBe(7_000)
    // A shorter word afterwards takes nothing back.
    pace.failed(10, { beganAt: 5, throttled: true, afterMs: 10 })
    expect(pace.waitMs(1_000)).toBe(6_000)
    expect(pace.backlogMs(1_000, 1)).toBe(6_000)
    expect(pace.waitMs(7_000)).toBe(0)
  })

  it('nobody is believed who says a day', () => {
    const pace = createPace(Number.POSITIVE_INFINITY)
    expect(pace.failed(0, { beganAt: 0, throttled: true, afterMs: 86_400_000 })).toBe(900_000)
    expect(pace.waitMs(0)).toBe(900_000)
  })

  it('one failure makes nobody else wait; many, one after the other, do, longer each time, and a success ends it', () => {
    const pace = createPace(Number.POSITIVE_INFINITY, () => 1)
    const fail = (now: number): number => pace.failed(now, { beganAt: now - 1, throttled: false })
    // Three that were under way together count as one.
    expect([fail(1), fail(1.1), fail(1.2)]).toEqual([250, 250, 250])
    expect(pace.waitMs(2)).toBe(0)
    expect(fail(10)).toBe(450)
    expect(pace.probing).toBe(false)
    expect(fail(20)).toBe(850)
    expect(pace.probing).toBe(true)
    expect(pace.waitMs(20)).toBe(850)
    for (let now = 30; now < 200; now += 10) expect(fail(now)).toBeLessThanOrEqual(5_050)
    pace.succeeded()
    expect(pace.probing).toBe(false)
    expect(fail(1_000)).toBe(250)
  })

  it('waits are spread', () => {
    const waitsOf = (random: number): number =>
      createPace(Number.POSITIVE_INFINITY, () => random).failed(1, { beganAt: 0, throttled: false })
    expect(waitsOf(0)).toBe(50)
    expect(waitsOf(0.5)).toBe(150)
  })
})

describe('advice on a failure', () => {
  it.each([
    [{ status: 429 }, 'throttled'],
    [{ statusCode: 503 }, 'again'],
    [{ status: 408 }, 'again'],
    [{ status: 400 }, 'never'],
    [{ status: 403, retryAfterSeconds: 3 }, { afterSeconds: 3 }],
    [{ name: 'ThrottlingException', $metadata: { httpStatusCode: 400 } }, 'throttled'],
    [{ name: 'LimitExceededException', $metadata: { httpStatusCode: 400 } }, 'throttled'],
    [{ name: 'KMSInternalException', $metadata: { httpStatusCode: 500 } }, 'again'],
    [{ name: 'AccessDeniedException', $metadata: { httpStatusCode: 400 } }, 'never'],
    [{ $retryable: { throttling: true } }, 'throttled'],
    [{ code: 8 }, 'throttled'],
    [{ code: 14 }, 'again'],
    [{ code: 7 }, 'never'],
    [{ code: 'ECONNRESET' }, 'again'],
    [{ code: 'ENOENT' }, 'never'],
    [new TypeError('fetch failed', { cause: { code: 'UND_ERR_SOCKET' } }), 'again'],
    [new TypeError('no function'), 'never'],
    [new DOMException('too long', 'TimeoutError'), 'again'],
    [undefined, 'never'],
    ['text', 'never'],
  ])('%o: %o', (error, advice) => {
    expect(retryAdvice(error)).toEqual(advice)
  })

  it('comes to an end where causes go round', () => {
    const error = new Error('round')
    error.cause = error
    expect(retryAdvice(error)).toBe('never')
  })
})
