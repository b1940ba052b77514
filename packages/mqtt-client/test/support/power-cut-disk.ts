import { dirname } from 'node:path'
import type { FileSystem } from '../../src/identity/file-system.ts'

interface Inode {
  text: string
  /** What is on the disk for certain. */
  synced: string
  mode: number
}
type Entry = Inode | 'directory'
type Names = Map<string, Entry>

/** A change of a folder that is not on the disk for certain. */
interface NameChange {
  readonly directory: string
  apply(names: Names): void
}

/** What the disk has kept of all that was not synced when the power went. */
export interface Survival {
  /** How many of the changes of names, in their order. */
  readonly nameChanges: 'none' | 'all' | number
  /** What is in files that were not synced: the first so many characters, or zeros of the right length. */
  readonly contents: 'none' | 'all' | 'zeros' | number
}

export interface PowerCutDisk {
  readonly fileSystem: FileSystem
  /** Calls so far that change something. */
  readonly calls: number
  /** How many changes of names are not synced. */
  readonly unsyncedNames: number
  /** The longest content that is not synced. */
  readonly unsyncedLength: number
  /** The last call that changed something, and what it was given. */
  readonly lastCall: string
  /** The disk as the machine finds it when the power is back. */
  afterCut(survival: Survival): PowerCutDisk
  names(): string[]
  text(path: string): string | undefined
  put(path: string, text: string, mode?: number): void
}

export class PowerCut extends Error {}

/** Fails calls that change something, by number; `undefined` lets one through. */
export type Fault = (call: number, name: string) => NodeJS.ErrnoException | undefined

/**
 * A disk in memory that tells what is durable from what is not: contents by fsync of the file, names by fsync of the folder. After `cutAfter` calls the power is gone: the next one, and all behind it, fail, and
 * a write may have happened in part.
 */
export function createPowerCutDisk(
  options: {
    readonly cutAfter?: number
    /** Asked before each call that changes something; `true`: the power is gone from now on. */
    readonly isCut?: (name: string) => boolean
    readonly fault?: Fault
    readonly hasNoLinks?: boolean
  } = {},
  names: Names = new Map<string, Entry>([['/', 'directory']]),
): PowerCutDisk {
  const { cutAfter = Number.POSITIVE_INFINITY, isCut = () => false, fault, hasNoLinks = false } = options
  const durable: Names = new Map(names)
  let unsynced: NameChange[] = []
  let calls = 0
  let lastCall = ''

  function fail(code: string): never {
    throw Object.assign(new Error(code), { code })
  }

  function change(name: string, path: string): void {
    if (calls >= cutAfter || isCut(name)) throw new PowerCut('the power is gone')
    calls += 1
    lastCall = `${name} ${path}`
    const error = fault?.(calls, name)
    if (error !== undefined) throw error
  }

  function rename(path: string, apply: (names: Names) => void): void {
    apply(names)
    unsynced.push({ directory: dirname(path), apply })
  }

  function fileAt(path: string): Inode {
    const entry = names.get(path)
    if (entry === undefined) return fail('ENOENT')
    return entry === 'directory' ? fail('EISDIR') : entry
  }

  function inFolder(path: string): void {
    if (names.get(dirname(path)) !== 'directory') fail('ENOENT')
  }

  const fileSystem: FileSystem = {
    async read(path) {
      const { text, mode } = fileAt(path)
      return { text, mode }
    },
    async list(directory) {
      if (names.get(directory) !== 'directory') fail('ENOENT')
      return [...names.keys()]
        .filter(path => path !== '/' && dirname(path) === directory)
        .map(path => path.slice(directory.length + 1))
    },
    async modifiedAt(path) {
      fileAt(path)
      return new Date()
    },
    async makeDirectory(path) {
      change('makeDirectory', path)
      inFolder(path)
      if (names.has(path)) fail('EEXIST')
      rename(path, all => all.set(path, 'directory'))
    },
    async create(path, mode) {
      change('create', path)
      inFolder(path)
      if (names.has(path)) fail('EEXIST')
      const file: Inode = { text: '', synced: '', mode }
      rename(path, all => all.set(path, file))
      return {
        async write(text) {
          // The power may go at any byte of it.
          file.text = calls >= cutAfter ? file.text : text
          change('write', path)
        },
        async sync() {
          change('sync', path)
          file.synced = file.text
        },
        async close() {},
      }
    },
    async link(from, to) {
      change('link', to)
      if (hasNoLinks) fail('EPERM')
      const file = fileAt(from)
      if (names.has(to)) fail('EEXIST')
      rename(to, all => all.set(to, file))
    },
    async rename(from, to) {
      change('rename', to)
      const file = fileAt(from)
      rename(to, all => {
        all.delete(from)
        all.set(to, file)
      })
    },
    async unlink(path) {
      change('unlink', path)
      fileAt(path)
      rename(path, all => all.delete(path))
    },
    async syncDirectory(path) {
      change('syncDirectory', path)
      if (names.get(path) !== 'directory') fail('ENOENT')
      for (const { apply } of unsynced.filter(({ directory }) => directory === path)) apply(durable)
      unsynced = unsynced.filter(({ directory }) => directory !== path)
    },
  }

  function afterCut({ nameChanges, contents }: Survival): PowerCutDisk {
    const found: Names = new Map(durable)
    const kept = nameChanges === 'none' ? 0 : nameChanges === 'all' ? unsynced.length : nameChanges
    for (const { apply } of unsynced.slice(0, kept)) apply(found)
    const inodes = new Map<Inode, Inode>()
    for (const [path, entry] of found) {
      if (entry === 'directory') continue
      const text = survivingText(entry, contents)
      const copy = inodes.get(entry) ?? { text, synced: text, mode: entry.mode }
      inodes.set(entry, copy)
      found.set(path, copy)
    }
    return createPowerCutDisk({ hasNoLinks }, found)
  }

  return {
    fileSystem,
    get calls() {
      return calls
    },
    get unsyncedNames() {
      return unsynced.length
    },
    get unsyncedLength() {
      const files = [...names.values()].filter(entry => entry !== 'directory')
      return Math.max(0, ...files.map(({ text, synced }) => (text === synced ? 0 : text.length)))
    },
    get lastCall() {
      return lastCall
    },
    afterCut,
    names: () => [...names.keys()],
    text(path) {
      const entry = names.get(path)
      return entry === 'directory' ? undefined : entry?.text
    },
    put(path, text, mode = 0o600) {
      for (let parent = dirname(path); !names.has(parent); parent = dirname(parent)) {
        names.set(parent, 'directory')
        durable.set(parent, 'directory')
      }
      const file: Inode = { text, synced: text, mode }
      names.set(path, file)
      durable.set(path, file)
    },
  }
}

function survivingText({ text, synced }: Inode, contents: Survival['contents']): string {
  if (text === synced || contents === 'all') return text
  if (contents === 'none') return synced
  if (contents === 'zeros') return '\0'.repeat(text.length)
  return text.slice(0, contents)
}
