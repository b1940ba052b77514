import { describe, expect, it } from 'vitest'
import { mosquittoAcl } from '../../src/mosquitto/index.ts'

const lines = (text: string): string[] => text.split('\n').filter(line => line !== '' && !line.startsWith('#'))

describe('mosquittoAcl', () => {
  it('has a pattern for each default template', () => {
    expect(lines(mosquittoAcl())).toEqual(['pattern readwrite users/+/devices/%u/#', 'pattern readwrite devices/%u/#'])
  })
  it('lists services by name', () => {
    expect(lines(mosquittoAcl({}, { services: ['backend'] })).slice(2)).toEqual([
      'user backend',
      'topic readwrite users/+/devices/+/#',
      'topic readwrite devices/+/#',
    ])
  })
  it('tells the actions apart', () => {
    const templates = {
      device: { publish: ['up/${deviceId}'], subscribe: ['down/x-${deviceId}/#', 'all'] },
      service: { publish: ['down/#'] },
    }
    expect(lines(mosquittoAcl(templates, { services: ['s'] }))).toEqual([
      'pattern write up/%u',
      'pattern read down/x-%u/#',
      'pattern read all',
      'user s',
      'topic write down/#',
    ])
  })
  it('is exact where the devices are known', () => {
    const devices = [
      { deviceId: 'd1', role: 'device', owner: 'alice', attributes: {} },
      { deviceId: 'd2', role: 'device', attributes: { site: 's' } },
      { deviceId: 'b', role: 'service', attributes: {} },
    ] as const
    expect(lines(mosquittoAcl({}, { devices }))).toEqual([
      'user d1',
      'topic readwrite users/alice/devices/d1/#',
      'user d2',
      'topic readwrite devices/d2/#',
      'user b',
      'topic readwrite users/+/devices/+/#',
      'topic readwrite devices/+/#',
    ])
    const device = ['x/${attributes.site}/${owner}-${deviceId}', 'y/${attributes.site}']
    expect(lines(mosquittoAcl({ device }, { devices: devices.slice(0, 2) }))).toEqual([
      'user d1',
      'user d2',
      'topic readwrite y/s',
    ])
  })
  it.each([
    ['an attribute', { device: ['x/${attributes.site}'] }, {}],
    ['an owner beside other text', { device: ['x/o-${owner}'] }, {}],
    ['a literal %u', { device: ['x/%u'] }, {}],
    ['a line end', { device: ['x\nuser y'] }, {}],
    ['an unknown placeholder', { device: ['x/${y}'] }, {}],
    ['a service with a line end', {}, { services: ['a\ntopic #'] }],
    ['a service with a space', {}, { services: ['a b'] }],
    ['services and devices', {}, { services: ['a'], devices: [] }],
  ])('refuses %s', (_, templates, options) => {
    expect(() => mosquittoAcl(templates, options)).toThrow(TypeError)
  })
})
