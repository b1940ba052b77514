import { DatabaseSync } from 'node:sqlite'
import { sqliteStore } from '@fleetcert/store-sqlite'
import { beforeEach, describe, expect, it } from 'vitest'
import { reservation } from '../../../test-support/reservation.ts'
import { Sql } from '../src/sql.ts'
import type { SqliteDatabase } from '../src/sqlite-database.ts'
import type { WriteCall } from '../src/write-call.ts'
import { writeTransaction } from '../src/write-transaction.ts'

let database: DatabaseSync
/** The statements that ran, of those that begin and end transactions. */
let statements: string[]
/** Makes the statement of that text fail once. */
let failing: { readonly text: string; readonly before?: () => void } | undefined
let sql: Sql

beforeEach(async () => {
  database = new DatabaseSync(':memory:')
  statements = []
  failing = undefined
  await sqliteStore({ database }).open()
  const recording: SqliteDatabase = {
    exec: text => database.exec(text),
    prepare(text) {
      const statement = database.prepare(text)
      return {
        get: (...parameters) => statement.get(...(parameters as never[])),
        all: (...parameters) => statement.all(...(parameters as never[])),
        run(...parameters) {
          if (/^(?:BEGIN|COMMIT|ROLLBACK)/.test(text)) statements.push(text)
          if (failing !== undefined && text.startsWith(failing.text)) {
            const { before } = failing
            failing = undefined
            before?.()
            throw Object.assign(new Error(text), { errcode: 10 })
          }
          return statement.run(...(parameters as never[]))
        },
      }
    },
  }
  sql = new Sql(recording)
})

const at = new Date()

function reserve(serialNumber: string, deviceId = `device-${serialNumber}`): WriteCall {
  return { name: 'reserve', args: [reservation({ serialNumber, deviceId }), [{ type: 'issuing', at, deviceId }]] }
}

const put = (name: string): WriteCall => ({
  name: 'putDocument',
  args: [name, new Uint8Array(1), 0, undefined, [{ type: 'settingsChanged', at, deviceId: name }]],
})

/** By device id, in their order. */
function ledger(): unknown[] {
  return database
    .prepare('SELECT device_id FROM ledger ORDER BY sequence')
    .all()
    .map(row => row['device_id'])
}

describe('writeTransaction', () => {
  it('runs all calls in one transaction, in their order', () => {
    const outcomes = writeTransaction(sql, [reserve('01'), put('a'), reserve('01'), reserve('02')])
    expect(outcomes).toEqual([{ result: 'reserved' }, { result: true }, { result: 'reserved' }, { result: 'reserved' }])
    expect(statements).toEqual(['BEGIN IMMEDIATE', 'COMMIT'])
    expect(ledger()).toEqual(['device-01', 'a', 'device-02'])
  })

  it('undoes a call that throws, half done as it is, and it alone', () => {
    const event = { type: 'issued', at }
    const halfDone: WriteCall = {
      name: 'putDocument',
      args: ['half', new Uint8Array(1), 0, undefined, [event, { ...event, deviceId: 'a\0' }]],
    }
    const outcomes = writeTransaction(sql, [reserve('01'), halfDone, put('a')])
    expect(outcomes).toEqual([{ result: 'reserved' }, { error: expect.any(TypeError) }, { result: true }])
    expect(ledger()).toEqual(['device-01', 'a'])
    expect(database.prepare('SELECT name FROM documents').all()).toEqual([{ name: 'a' }])
    expect(writeTransaction(sql, [halfDone])).toEqual([{ error: expect.any(TypeError) }])
    expect(ledger()).toEqual(['device-01', 'a'])
  })

  it('refuses a call that it does not know', () => {
    const outcomes = writeTransaction(sql, [{ name: 'absent' as 'reserve', args: [] }, put('a')])
    expect(outcomes).toEqual([{ error: expect.any(TypeError) }, { result: true }])
  })

  it.each(['BEGIN', 'COMMIT'])('does nothing of any call when %s fails', text => {
    failing = { text }
    const calls = [reserve('01'), put('a')]
    for (const outcome of writeTransaction(sql, calls)) {
      expect(outcome).toMatchObject({
        error: { code: 'ERR_PKI_STORE_UNAVAILABLE', details: { reason: 'input or output failed' } },
      })
    }
    expect(ledger()).toEqual([])
    expect(writeTransaction(sql, calls)).toEqual([{ result: 'reserved' }, { result: true }])
  })

  it('does nothing of any call when one of them ends the transaction', () => {
    // As SQLite does by itself when the disk is full or memory runs out.
    failing = { text: 'INSERT INTO documents', before: () => database.exec('ROLLBACK') }
    for (const outcome of writeTransaction(sql, [reserve('01'), put('a'), reserve('02')])) {
      expect(outcome).toMatchObject({ error: { code: 'ERR_PKI_STORE_UNAVAILABLE' } })
    }
    expect(ledger()).toEqual([])
    expect(writeTransaction(sql, [put('a')])).toEqual([{ result: true }])
  })
})
