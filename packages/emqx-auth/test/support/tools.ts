import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where a program is: on PATH, or where Debian keeps daemons. */
export function findTool(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  const file = folders.map(folder => join(folder, name)).find(existsSync)
  if (file === undefined && process.env['FLEETCERT_REQUIRE_TOOLS'] === '1')
    throw new Error(`${name} is required and not on PATH`)
  return file
}
