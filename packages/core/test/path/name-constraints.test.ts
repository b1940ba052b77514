import { encodeExtension, extensionOids } from '@fleetcert/x509'
import { context, integer, sequence } from '@fleetcert/x509/der'
import { describe, expect, it } from 'vitest'
import {
  alternativeNames,
  makeCa,
  makeEndEntity,
  nameConstraints,
  named,
  optionsFor,
  rawName,
  refusal,
  verdictOf,
} from './support/pki.ts'

const { dns, email, uri, ip, directory, registeredId } = rawName
const acme = [[{ type: 'O', value: 'Acme' }]] as const
const permitted = (...names: Uint8Array[]) => ({ permitted: names })
const excluded = (...names: Uint8Array[]) => ({ excluded: names })

/** The verdict on a certificate with these names below a CA with these constraints. */
function judge(
  constraints: Parameters<typeof nameConstraints>[0],
  names: readonly Uint8Array[],
  subject = named('device'),
): Promise<string> {
  const ca = makeCa('ca', undefined, { extensions: [nameConstraints(constraints)] })
  const extensions = names.length === 0 ? [] : [alternativeNames(...names)]
  return verdictOf(optionsFor(makeEndEntity(ca, { subject, extensions }), [], [ca]))
}

const verdicts = { yes: 'accepted', no: 'ERR_PKI_PATH_NAME_CONSTRAINTS' } as const
type Row = readonly [string, Parameters<typeof nameConstraints>[0], readonly Uint8Array[], keyof typeof verdicts]

const rows: Readonly<Record<string, readonly Row[]>> = {
  dNSName: [
    ['the name itself', permitted(dns('a.example')), [dns('a.example')], 'yes'],
    ['a label more', permitted(dns('a.example')), [dns('b.A.EXAMPLE')], 'yes'],
    ['a longer label', permitted(dns('a.example')), [dns('ba.example')], 'no'],
    ['one of two names outside', permitted(dns('a.example')), [dns('a.example'), dns('b.example')], 'no'],
    ['two subtrees', permitted(dns('a.example'), dns('b.example')), [dns('a.example'), dns('b.example')], 'yes'],
    ['another form is not bound', permitted(dns('a.example')), [ip(192, 0, 2, 1)], 'yes'],
    ['excluded', excluded(dns('a.example')), [dns('b.a.example')], 'no'],
    ['not excluded', excluded(dns('a.example')), [dns('b.example')], 'yes'],
    [
      'excluded inside permitted',
      { permitted: [dns('example')], excluded: [dns('a.example')] },
      [dns('a.example')],
      'no',
    ],
    ['a dot in front wants a label more', permitted(dns('.a.example')), [dns('a.example')], 'no'],
    ['and takes it', permitted(dns('.a.example')), [dns('b.a.example')], 'yes'],
    ['nothing permits all', permitted(dns('')), [dns('a.example')], 'yes'],
    ['nothing excludes all', excluded(dns('')), [dns('a.example')], 'no'],
    ['a wildcard inside', permitted(dns('a.example')), [dns('*.a.example')], 'yes'],
    ['a wildcard wider', permitted(dns('b.a.example')), [dns('*.a.example')], 'no'],
    ['a wildcard that reaches what is excluded', excluded(dns('b.a.example')), [dns('*.a.example')], 'no'],
    ['a wildcard that does not', excluded(dns('c.b.a.example')), [dns('*.a.example')], 'yes'],
    ['a name that is none', permitted(dns('example')), [dns('a..example')], 'no'],
    ['a name that is none, with nothing that binds it', permitted(email('example')), [dns('a..example')], 'yes'],
  ],
  rfc822Name: [
    ['at the host', permitted(email('a.example')), [email('x@A.example')], 'yes'],
    ['below the host', permitted(email('a.example')), [email('x@b.a.example')], 'no'],
    ['in the domain', permitted(email('.a.example')), [email('x@b.a.example')], 'yes'],
    ['at the domain itself', permitted(email('.a.example')), [email('x@a.example')], 'no'],
    ['the mailbox', permitted(email('x@a.example')), [email('x@A.EXAMPLE')], 'yes'],
    ['another mailbox', permitted(email('x@a.example')), [email('X@a.example')], 'no'],
    ['excluded', excluded(email('a.example')), [email('x@a.example')], 'no'],
    ['no mailbox', excluded(email('a.example')), [email('x')], 'no'],
    ['two at signs, permitted', permitted(email('a.example')), [email('x@y@a.example')], 'no'],
    ['quoted, as the same mailbox may be', excluded(email('x@a.example')), [email('"x"@a.example')], 'no'],
    ['two at signs', excluded(email('a.example')), [email('x@b.example@a.example')], 'no'],
  ],
  uniformResourceIdentifier: [
    ['at the host', permitted(uri('a.example')), [uri('https://A.example/x')], 'yes'],
    ['with port and user', permitted(uri('a.example')), [uri('https://u:p@a.example:8443/x')], 'yes'],
    ['below the host', permitted(uri('a.example')), [uri('https://b.a.example/')], 'no'],
    ['in the domain', permitted(uri('.a.example')), [uri('https://b.a.example/')], 'yes'],
    ['a host in the user', permitted(uri('a.example')), [uri('https://a.example@b.example/')], 'no'],
    ['excluded', excluded(uri('a.example')), [uri('http://a.example')], 'no'],
    [
      'a backslash, which browsers take for a slash',
      excluded(uri('a.example')),
      [uri('https://a.example\\@b.example/')],
      'no',
    ],
    ['an escaped host', excluded(uri('a.example')), [uri('https://%61.example/')], 'no'],
    ['no authority', excluded(uri('a.example')), [uri('urn:x:a')], 'no'],
    ['an address for a host', excluded(uri('a.example')), [uri('http://192.0.2.1/')], 'no'],
    ['an IPv6 address', excluded(uri('a.example')), [uri('http://[2001:db8::1]/')], 'no'],
  ],
  iPAddress: [
    ['inside', permitted(ip(192, 0, 2, 0, 255, 255, 255, 0)), [ip(192, 0, 2, 77)], 'yes'],
    ['outside', permitted(ip(192, 0, 2, 0, 255, 255, 255, 0)), [ip(192, 0, 3, 77)], 'no'],
    ['half an octet', permitted(ip(192, 0, 2, 16, 255, 255, 255, 240)), [ip(192, 0, 2, 32)], 'no'],
    ['IPv6 is the same form', permitted(ip(192, 0, 2, 0, 255, 255, 255, 0)), [ip(...new Array(16).fill(0))], 'no'],
    ['everything excluded', excluded(ip(0, 0, 0, 0, 0, 0, 0, 0)), [ip(192, 0, 2, 1)], 'no'],
  ],
  directoryName: [
    ['the subject below', permitted(directory(acme)), [], 'yes'],
    ['the subject elsewhere', permitted(directory([[{ type: 'O', value: 'Other' }]])), [], 'no'],
    ['whatever case and blanks', permitted(directory([[{ type: 'O', value: 'ACME ' }]])), [], 'yes'],
    ['excluded', excluded(directory(acme)), [], 'no'],
    ['longer than the name', permitted(directory([...named('device'), ...acme])), [], 'no'],
    ['an alternative name elsewhere', permitted(directory(acme)), [directory([[{ type: 'O', value: 'Other' }]])], 'no'],
    ['everything excluded', excluded(directory([])), [], 'no'],
  ],
  'others cannot be compared': [
    ['registeredID', excluded(registeredId()), [registeredId()], 'no'],
    ['registeredID, with nothing that binds it', excluded(dns('a.example')), [registeredId()], 'yes'],
  ],
}

describe.each(Object.entries(rows))('%s', (_, cases) => {
  it.each(cases)('%s', async (_, constraints, names, verdict) => {
    expect(await judge(constraints, names)).toBe(verdicts[verdict])
  })
})

it('a NUL in a name, which some take for its end, is refused by the reader', async () => {
  expect(await judge(excluded(dns('b.example')), [dns('a.example\0.b.example')])).toBe('ERR_PKI_DER')
})

describe('names outside subjectAltName', () => {
  it('emailAddress in the subject', async () => {
    const subject = [...named('device'), [{ type: 'emailAddress', value: 'x@b.example' }]]
    expect(await judge(permitted(email('a.example')), [], subject)).toBe(verdicts.no)
    expect(await judge(permitted(email('b.example')), [], subject)).toBe(verdicts.yes)
  })

  it('a common name that clients take for a host, unless there is a dNSName', async () => {
    expect(await judge(excluded(dns('b.example')), [], named('a.b.example'))).toBe(verdicts.no)
    expect(await judge(excluded(dns('b.example')), [], named('a.B.example.'))).toBe(verdicts.no)
    expect(await judge(excluded(dns('b.example')), [dns('a.example')], named('a.b.example'))).toBe(verdicts.yes)
    expect(await judge(permitted(dns('b.example')), [], named('sensor-1'))).toBe(verdicts.yes)
  })

  it('an empty subject is in no directory subtree, and needs to be in none', async () => {
    expect(await judge(permitted(directory([[{ type: 'O', value: 'Other' }]])), [dns('a.example')], [])).toBe(
      verdicts.yes,
    )
  })
})

describe('along a path', () => {
  const constrained = (
    name: string,
    constraints: Parameters<typeof nameConstraints>[0],
    issuer?: ReturnType<typeof makeCa>,
  ) => makeCa(name, issuer, { extensions: [nameConstraints(constraints)] })
  const device = (issuer: ReturnType<typeof makeCa>, host: string) =>
    makeEndEntity(issuer, { extensions: [alternativeNames(dns(host))] })

  it('permitted subtrees intersect, excluded ones add up', async () => {
    const root = constrained('root', permitted(dns('example')))
    const issuing = constrained(
      'issuing',
      { permitted: [dns('a.example'), dns('test')], excluded: [dns('c.a.example')] },
      root,
    )
    const judgeHost = (host: string) => verdictOf(optionsFor(device(issuing, host), [issuing], [root]))
    expect(await judgeHost('b.a.example')).toBe(verdicts.yes)
    expect(await judgeHost('b.example')).toBe(verdicts.no)
    expect(await judgeHost('a.test')).toBe(verdicts.no)
    expect(await judgeHost('c.a.example')).toBe(verdicts.no)
  })

  it('a CA’s own names are bound by those above, not by its own; the depth says who', async () => {
    const root = constrained('root', excluded(directory(named('issuing'))))
    const issuing = makeCa('issuing', root)
    const error = await refusal(optionsFor(device(issuing, 'a.example'), [issuing], [root]))
    expect(error.code).toBe(verdicts.no)
    expect(error.details).toMatchObject({ depth: 1 })
    const self = constrained('self', excluded(directory(named('self'))))
    expect(await verdictOf(optionsFor(makeEndEntity(self), [], [self]))).toBe(verdicts.yes)
  })

  it('a self-issued CA is not bound, a self-issued end entity is', async () => {
    const root = constrained('root', excluded(directory(named('root'))))
    const rolled = makeCa('root', root)
    expect(await verdictOf(optionsFor(makeEndEntity(rolled), [rolled], [root]))).toBe(verdicts.yes)
    const last = makeEndEntity(root, { subject: named('root') })
    expect(await verdictOf(optionsFor(last, [], [root]))).toBe(verdicts.no)
  })
})

describe('constraints that nobody can apply are refused, whatever is below', () => {
  const value = (...subtree: Uint8Array[]) => sequence(context(0, true, sequence(...subtree)))
  it.each([
    ['a minimum', value(dns('example'), context(0, false, Uint8Array.of(1)))],
    ['a maximum', value(dns('example'), context(1, false, Uint8Array.of(1)))],
    ['a mask with a hole', value(ip(192, 0, 2, 0, 255, 0, 255, 0))],
    ['an address without a mask', value(ip(192, 0, 2, 0))],
    ['a host that is none', value(dns('a..example'))],
    ['a URI for a host', value(uri('https://a.example'))],
    ['a mailbox without a host', value(email('x@'))],
    ['no subtrees', sequence()],
    ['not a sequence', integer(1)],
  ])('%s', async (_, octets) => {
    for (const critical of [true, false]) {
      const ca = makeCa('ca', undefined, {
        extensions: [encodeExtension(extensionOids.nameConstraints, critical, octets)],
      })
      expect(await verdictOf(optionsFor(makeEndEntity(ca), [], [ca]))).toBe(verdicts.no)
    }
  })

  it('a minimum of zero spelled out says nothing', async () => {
    const octets = value(dns('example'), context(0, false, Uint8Array.of(0)))
    const ca = makeCa('ca', undefined, { extensions: [encodeExtension(extensionOids.nameConstraints, true, octets)] })
    expect(await verdictOf(optionsFor(makeEndEntity(ca), [], [ca]))).toBe(verdicts.yes)
  })
})
