import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { listening } from '../../../../test-support/ports.ts'
import { type Child, startChild } from './child.ts'
import type { Site } from './site.ts'

/** Starts what keeps a broker's CRLs up to date, and resolves once they are there. */
export async function startCrlKeeper(site: Site, name: string): Promise<Child> {
  const keeper = site.run('keep-crl.ts', {
    HUB_URL: site.url,
    CRL_FILE: site.path(`${name}-crl.pem`),
    PID_FILE: site.path(`${name}.pid`),
    SECONDS: '1',
  })
  while (!existsSync(site.path(`${name}-crl.pem`))) await sleep(50)
  return keeper
}

/** Starts a broker by the example's own files. */
export async function startMosquitto(site: Site, name: string): Promise<Child> {
  const folder = '/mosquitto/fleet'
  const conf = site.file(`${name}.conf`, 'mosquitto/mosquitto.conf', [
    // Started as root it would otherwise become somebody who may not read these files.
    ['listener 8883', `${process.getuid?.() === 0 ? 'user root\n' : ''}listener ${site.portOf(name)} 127.0.0.1`],
    ['/mosquitto/config/mosquitto.acl', site.file('acl', 'mosquitto/mosquitto.acl', [])],
    [`${folder}/ca-cert.pem`, site.path('broker/ca-cert.pem')],
    [`${folder}/server-cert.pem`, site.path('broker/server-cert.pem')],
    [`${folder}/server-key.pem`, site.path('broker/server-key.pem')],
    ['/mosquitto/crl/crl.pem', site.path(`${name}-crl.pem`)],
    ['/mosquitto/crl/mosquitto.pid', site.path(`${name}.pid`)],
  ])
  const broker = startChild('mosquitto', ['-v', '-c', conf])
  await listening(site.portOf(name), broker.log)
  return broker
}
