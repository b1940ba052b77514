import { writeFileSync } from 'node:fs'
import type { DeviceCredential, Fleet, SignedCrl } from '@fleetcert/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith, runTool, temporaryDirectory } from '../../../../test-support/tools.ts'
import { type CrlBench, crlBench, publish, recordOf } from './crl-fleet.ts'

let bench: CrlBench
let fleet: Fleet
let files: ReturnType<typeof temporaryDirectory>
beforeEach(async () => {
  bench = crlBench()
  // Judges have no clock but the machine's.
  bench.now = new Date()
  files = temporaryDirectory()
  fleet = await bench.open({ publish, crl: { shards: 3, delta: true } })
})
afterEach(async () => {
  await fleet.close()
  files.remove()
})

const write = (name: string, content: string | Uint8Array): string => {
  writeFileSync(files.path(name), content)
  return files.path(name)
}
/** `count` devices of one shard. */
async function enrollIn(shard: number, count: number): Promise<DeviceCredential[]> {
  const found: DeviceCredential[] = []
  for (let index = 0; found.length < count; index++) {
    const credential = await fleet.enroll(`sensor-${shard}-${index}`)
    if ((await recordOf(bench.store, credential.fingerprint)).shard === shard) found.push(credential)
  }
  return found
}
async function rootCrl(): Promise<SignedCrl> {
  for await (const { role, issuerKeyId } of fleet.issuers()) if (role === 'root') return fleet.crl({ issuerKeyId })
  throw new Error('there is no root')
}

describeWith(['openssl'], 'openssl', () => {
  const verify = async (
    { certificate, chain }: DeviceCredential,
    crls: readonly SignedCrl[],
    ...more: readonly string[]
  ): Promise<string> => {
    const all = [await rootCrl(), ...crls].map(({ pem }) => pem).join('')
    const { output } = runTool('openssl', [
      'verify',
      '-x509_strict',
      ...['-purpose', 'sslclient', '-crl_check_all', '-no-CApath', '-no-CAstore', ...more],
      ...['-CAfile', write('root.pem', fleet.trustAnchors), '-untrusted', write('chain.pem', chain)],
      ...['-CRLfile', write('all.pem', all), write('device.pem', certificate)],
    ])
    return /^error (\d+)/m.exec(output)?.[1] ?? (/: OK$/m.test(output) ? 'OK' : output)
  }

  it('refuses the revoked, accepts the others, and takes no CRL of another shard', async () => {
    const [revoked, good] = await enrollIn(1, 2)
    await fleet.revoke(revoked!.deviceId, { reason: 'keyCompromise' })
    const [own, other] = [await fleet.crl({ shard: 1 }), await fleet.crl({ shard: 2 })]
    expect(await verify(revoked!, [own])).toBe('23')
    expect(await verify(good!, [own])).toBe('OK')
    // Unable to get certificate CRL, or a different scope.
    expect(['3', '44']).toContain(await verify(good!, [other]))
    expect(['3', '44']).toContain(await verify(revoked!, [other]))
    expect(await verify(revoked!, [other, own])).toBe('23')
    expect(await verify(good!, [])).toBe('3')
  })

  it('heeds a delta CRL beside an older full one', async () => {
    const [revoked, held, lifted, good] = await enrollIn(0, 4)
    for (const { deviceId } of [held!, lifted!]) await fleet.revoke(deviceId, { reason: 'certificateHold' })
    const base = await fleet.crl()
    await fleet.revoke(revoked!.deviceId)
    await fleet.release(lifted!.deviceId)
    const delta = await fleet.crl({ delta: true })
    const verdicts = async (crls: readonly SignedCrl[], ...more: string[]): Promise<string[]> => {
      const all: string[] = []
      for (const each of [revoked!, held!, lifted!, good!]) all.push(await verify(each, crls, ...more))
      return all
    }
    const withDeltas = ['-use_deltas', '-extended_crl']
    expect(await verdicts([base])).toEqual(['OK', '23', '23', 'OK'])
    expect(await verdicts([base, delta], ...withDeltas)).toEqual(['23', '23', 'OK', 'OK'])
    expect(await verdicts([await fleet.crl()])).toEqual(['23', '23', 'OK', 'OK'])
    // A delta CRL by itself says nothing of those that it does not list. Without that flag openssl takes it for a full one, critical or not: docs/revocation.md warns of it.
    expect((await verdicts([delta], '-extended_crl')).filter(verdict => verdict === 'OK')).toEqual([])
  })

  it('reads what is written', async () => {
    const [revoked, lifted] = await enrollIn(2, 2)
    await fleet.revoke(lifted!.deviceId, { reason: 'certificateHold' })
    await fleet.crl({ shard: 2 })
    await fleet.revoke(revoked!.deviceId, { reason: 'superseded', invalidityDate: new Date('2026-01-02T03:04:05Z') })
    await fleet.release(lifted!.deviceId)
    const text = async (delta: boolean): Promise<string> => {
      const { der } = await fleet.crl({ shard: 2, delta })
      const args = ['crl', '-inform', 'DER', '-in', write('crl.der', der), '-noout', '-text']
      return runTool('openssl', [...args, '-CAfile', write('ca.pem', revoked!.chain)]).output
    }
    const [full, delta] = [await text(false), await text(true)]
    const keyId = revoked!.issuerKeyId.slice(0, 16)
    for (const each of [full, delta]) {
      expect(each).toContain('verify OK')
      expect(each).toContain(`URI:http://pki.example/crl/${keyId}-2.crl`)
      expect(each).toMatch(/X509v3 CRL Number: \n\s+2\n/)
      expect(each).toMatch(/Superseded\n\s+Invalidity Date: \n\s+Jan {2}2 03:04:05 2026 GMT/)
    }
    expect(full).toMatch(/X509v3 Freshest CRL: \n[\s\S]*URI:http:\/\/pki\.example\/crl\/[0-9a-f]{16}-2-delta\.crl/)
    expect(full).not.toContain('Delta CRL Indicator')
    expect(full).not.toContain('Remove From CRL')
    expect(delta).toMatch(/X509v3 Delta CRL Indicator: critical\n\s+1\n/)
    expect(delta).not.toContain('Freshest')
    expect(delta).toContain('Remove From CRL')
  })
})

describeWith(['certtool'], 'gnutls', () => {
  it('verifies the CRLs, and refuses the revoked', async () => {
    const [revoked, good] = await enrollIn(1, 2)
    await fleet.revoke(revoked!.deviceId)
    const issuing = write('issuing.pem', good!.chain)
    for (const [crl, ca] of [
      [await fleet.crl({ shard: 1 }), issuing],
      [await fleet.crl({ shard: 1, delta: true }), issuing],
      [await rootCrl(), write('root.pem', fleet.trustAnchors)],
    ] as const) {
      const check = (pem: string): number =>
        runTool('certtool', ['--verify-crl', '--load-ca-certificate', ca, '--infile', write('crl.pem', pem)]).status
      expect(check(crl.pem)).toBe(0)
      const broken = Buffer.from(crl.der)
      broken[broken.length - 1]! ^= 1
      const body = broken
        .toString('base64')
        .match(/.{1,64}/g)!
        .join('\n')
      expect(check(`-----BEGIN X509 CRL-----\n${body}\n-----END X509 CRL-----\n`)).not.toBe(0)
    }
    const crls = write('crls.pem', (await fleet.crl({ shard: 1 })).pem + (await rootCrl()).pem)
    const verify = ({ certificate, chain }: DeviceCredential): number =>
      runTool('certtool', [
        ...['--verify', '--load-ca-certificate', write('root.pem', fleet.trustAnchors), '--load-crl', crls],
        ...['--verify-purpose', '1.3.6.1.5.5.7.3.2', '--infile', write('device.pem', certificate + chain)],
      ]).status
    expect(verify(good!)).toBe(0)
    expect(verify(revoked!)).toBe(1)
  })
})
