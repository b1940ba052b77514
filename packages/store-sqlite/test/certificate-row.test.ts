import { expect, it } from 'vitest'
import { certificateColumns, rowOf } from '../src/certificate-row.ts'

it('a row has its values under the names of their columns', () => {
  const columns = certificateColumns.split(',').map(column => column.trim().replace(/^c\./, ''))
  expect(Object.entries(rowOf(columns))).toEqual(columns.map(name => [name, name]))
})
