import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeWith, temporaryDirectory } from '../../../../test-support/tools.ts'
import { ocspRequest, ocspVerdict } from '../support/ocsp.ts'
import { type PublishedFleet, publishFleet } from '../support/published-fleet.ts'
import { freePort, type SpawnedServer, spawnServer } from '../support/spawn-server.ts'

const folder = temporaryDirectory()

describeWith(['nginx'], 'nginx as a caching proxy', () => {
  let pki: PublishedFleet
  let proxy: SpawnedServer
  let url: string
  beforeAll(async () => {
    pki = await publishFleet()
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      kind => `${kind}_temp_path ${folder.directory};`,
    )
    writeFileSync(
      folder.path('nginx.conf'),
      `daemon off; master_process off; pid ${folder.path('nginx.pid')}; error_log stderr info;
      events {}
      http {
        access_log off; ${temporary.join(' ')}
        proxy_cache_path ${folder.path('cache')} keys_zone=pki:1m;
        server {
          listen 127.0.0.1:${port};
          location / {
            proxy_cache pki; proxy_cache_revalidate on; add_header X-Cache $upstream_cache_status always;
            proxy_pass ${pki.url};
          }
        }
      }`,
    )
    proxy = await spawnServer('nginx', ['-c', folder.path('nginx.conf'), '-p', folder.directory], port)
  })
  afterAll(async () => {
    await proxy.stop()
    await pki.close()
    folder.remove()
  })

  const get = async (path: string) => {
    const response = await fetch(url + path)
    const bytes = new Uint8Array(await response.arrayBuffer())
    return { status: response.status, cache: response.headers.get('x-cache'), bytes }
  }
  const ocspPath = (request: Buffer): string => `/ocsp/${encodeURIComponent(request.toString('base64'))}`

  test('keeps what is for everybody, and nothing else', async () => {
    const device = await pki.fleet.enroll('sensor-1')
    const crl = `/crl/${device.issuerKeyId.slice(0, 16)}-0.crl`
    for (const path of [ocspPath(ocspRequest([device])), crl, crl.replace('.crl', '.pem')]) {
      const first = await get(path)
      expect(first).toMatchObject({ status: 200, cache: 'MISS' })
      expect(await get(path)).toEqual({ ...first, cache: 'HIT' })
    }
    const nonce = Buffer.alloc(32, 1)
    for (const path of [ocspPath(ocspRequest([device], { nonce })), '/ocsp/junk', '/crl/junk', '/api/health']) {
      expect((await get(path)).cache).toBe('MISS')
      expect((await get(path)).cache).toBe('MISS')
    }
    const post = async () =>
      ocspVerdict(
        new Uint8Array(
          await (
            await fetch(`${url}/ocsp`, { method: 'POST', body: ocspRequest([device]) as Uint8Array<ArrayBuffer> })
          ).arrayBuffer(),
        ),
      )
    expect(await post()).toEqual(['good'])
    await pki.fleet.revoke('sensor-1')
    expect(await post()).toEqual(['revoked'])
  })

  test('passes on an address with slashes in it as it came', async () => {
    const device = await pki.fleet.enroll('sensor-2')
    // A nonce of ones alone is a row of slashes in base64.
    const base64 = ocspRequest([device], { nonce: Buffer.alloc(32, 0xff) }).toString('base64')
    expect(base64).toContain('////')
    for (const path of [base64, encodeURIComponent(base64)]) {
      expect(ocspVerdict((await get(`/ocsp/${path}`)).bytes)).toEqual(['good'])
    }
  })
})
