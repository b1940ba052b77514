import { sqliteStore } from '@fleetcert/store-sqlite'
import { expect, test } from 'vitest'

test.each([undefined, 'fleet.db', {}, { filename: 'fleet.db' }, { file: '' }, { file: 1 }, { database: 'fleet.db' }])(
  '%o says neither file nor database',
  options => {
    expect(() => sqliteStore(options as never)).toThrow(TypeError)
    expect(() => sqliteStore(options as never)).toThrow('expected { file: path } or { database }')
  },
)
