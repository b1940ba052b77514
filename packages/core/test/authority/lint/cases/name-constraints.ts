import { encodeName, extensionOids, fromHex, type GeneralName, subjectAltName } from '@fleetcert/x509'
import { context, integer, sequence } from '@fleetcert/x509/der'
import { ca, cn, device, extension, type Fields, issuer, type LintCases, named, server } from './build-certificate.ts'

type Subtree = readonly [tagNumber: number, base: string | Uint8Array]

const subtree = ([tagNumber, base]: Subtree, ...rest: Uint8Array[]): Uint8Array =>
  sequence(context(tagNumber, tagNumber === 4, base instanceof Uint8Array ? base : Buffer.from(base)), ...rest)
const value = (permitted: readonly Subtree[], excluded: readonly Subtree[] = []): Uint8Array =>
  sequence(
    ...(permitted.length === 0 ? [] : [context(0, true, ...permitted.map(base => subtree(base)))]),
    ...(excluded.length === 0 ? [] : [context(1, true, ...excluded.map(base => subtree(base)))]),
  )
const constraints = (octets: Uint8Array, critical = true): Uint8Array =>
  extension(extensionOids.nameConstraints, critical, octets)
const caWith = (octets: Uint8Array): Fields => ca({ more: constraints(octets) })
const permits = (...subtrees: Subtree[]): Fields => issuer({ more: constraints(value(subtrees)) })
const excludes = (...subtrees: Subtree[]): Fields => issuer({ more: constraints(value([], subtrees)) })
const dns = (base: string): Subtree => [2, base]
const email = (base: string): Subtree => [1, base]
const uri = (base: string): Subtree => [6, base]
const ip = (hex: string): Subtree => [7, fromHex(hex)]
const directory = (...values: string[]): Subtree => [4, encodeName(cn(...values))]
const host = (name: string): Fields => server({ san: subjectAltName([{ type: 'dns', value: name }]) })
const address = (name: string): Fields => server({ san: subjectAltName([{ type: 'ip', value: name }]) })
const mail = (name: string): Fields => device({ san: subjectAltName([{ type: 'email', value: name }]) })
const url = (name: string): Fields => device({ san: subjectAltName([{ type: 'uri', value: name }]) })
const mailInSubject = (name: string): Fields =>
  device({ san: undefined }, { subject: [[{ type: 'emailAddress', value: name }], ...cn('a')] })
const manyHosts = server({
  san: subjectAltName(Array.from({ length: 1500 }, (_, index) => ({ type: 'dns', value: `h${index}.example` }))),
})
const registeredId: GeneralName = { type: 'other', tag: 8, der: context(8, false, fromHex('2a0304')) }

/** Rules about nameConstraints, in a CA and under one. */
export const nameConstraintCases: LintCases = {
  'name-constraints-in-ca': {
    bad: [{ certificate: device({ more: constraints(value([dns('example')])) }) }],
    good: [{ certificate: caWith(value([dns('example')])) }],
  },
  'name-constraints-critical': {
    bad: [{ certificate: ca({ more: constraints(value([dns('example')]), false) }) }],
    good: [{ certificate: caWith(value([dns('example')])) }, { certificate: ca() }],
  },
  'name-constraints-form': {
    bad: [
      { certificate: caWith(sequence()) },
      { certificate: caWith(sequence(context(0, true))) },
      { certificate: caWith(sequence(context(0, true, subtree(dns('example'), context(0, false, fromHex('00')))))) },
      { certificate: caWith(sequence(context(0, true, subtree(dns('example'), context(1, false, fromHex('01')))))) },
      { certificate: caWith(value([ip('c0000200')])) },
      { certificate: caWith(value([dns('ex\u00e4mple')])) },
      { certificate: caWith(integer(1)) },
    ],
    good: [
      {
        certificate: caWith(
          value(
            [dns('example'), ip('c0000200ffffff00'), directory('a')],
            [email('example'), uri('.example'), [8, fromHex('2a0304')]],
          ),
        ),
      },
    ],
  },
  'name-constraints-honoured': {
    bad: [
      { certificate: host('a.other'), issuer: permits(dns('example')) },
      { certificate: host('notexample'), issuer: permits(dns('example')) },
      { certificate: host('example'), issuer: permits(dns('.example')) },
      { certificate: host('a.example'), issuer: excludes(dns('EXAMPLE')) },
      { certificate: host('*.example.com'), issuer: excludes(dns('a.example.com')) },
      { certificate: host('a.example'), issuer: excludes(dns('')) },
      { certificate: address('192.0.3.1'), issuer: permits(ip('c0000200ffffff00')) },
      { certificate: address('192.0.2.1'), issuer: excludes(ip('c0000200ffffff00')) },
      { certificate: address('2001:db8::1'), issuer: permits(ip('c0000200ffffff00')) },
      {
        certificate: address('2001:db8:1::1'),
        issuer: permits(ip(`20010db8000000000000000000000000${'ff'.repeat(6)}${'00'.repeat(10)}`)),
      },
      { certificate: mail('a@other'), issuer: permits(email('example')) },
      { certificate: mail('a@sub.example'), issuer: permits(email('example')) },
      { certificate: mail('a@example'), issuer: permits(email('.example')) },
      { certificate: mail('b@example'), issuer: permits(email('a@example')) },
      { certificate: mailInSubject('a@other'), issuer: permits(email('example')), also: ['email-in-subject'] },
      { certificate: url('http://other/x'), issuer: permits(uri('example')) },
      { certificate: url('http://sub.example/x'), issuer: permits(uri('example')) },
      // No host to compare.
      { certificate: device(), issuer: permits(uri('example')) },
      { certificate: device(), issuer: excludes(uri('example')) },
      { certificate: url('http://192.0.2.1/'), issuer: permits(uri('192.0.2.1')) },
      { certificate: device(), issuer: permits(directory('b')) },
      { certificate: device(), issuer: permits(directory('a', 'b')) },
      { certificate: device(), issuer: excludes(directory('A')) },
      { certificate: device(), issuer: excludes(directory()) },
      { certificate: named({ type: 'directoryName', value: cn('b') }), issuer: permits(directory('a')) },
      { certificate: named(registeredId), issuer: permits([8, fromHex('2a0304')]) },
      { certificate: named(registeredId), issuer: excludes([8, fromHex('2a0305')]) },
      { certificate: device(), issuer: issuer({ more: constraints(integer(1)) }) },
      // More comparisons than anybody should make: 1,500 names, 1,500 constraints.
      { certificate: manyHosts, issuer: permits(...Array.from({ length: 1500 }, () => dns('example'))) },
    ],
    good: [
      { certificate: device(), issuer: issuer() },
      { certificate: host('a.example'), issuer: permits(dns('other'), dns('example')) },
      { certificate: host('example'), issuer: permits(dns('Example')) },
      { certificate: host('a.example'), issuer: permits(dns('.example')) },
      { certificate: host('*.a.example'), issuer: permits(dns('example')) },
      { certificate: host('a.example'), issuer: excludes(dns('b.example')) },
      { certificate: host('*.b.example'), issuer: excludes(dns('a.example')) },
      // Of another form than the names.
      { certificate: device(), issuer: permits(dns('example'), email('example'), ip('c0000200ffffff00')) },
      { certificate: address('192.0.2.255'), issuer: permits(ip('c0000200ffffff00')) },
      {
        certificate: address('2001:db8::1'),
        issuer: permits(ip(`20010db8${'00'.repeat(12)}ffffffff${'00'.repeat(12)}`)),
      },
      { certificate: mail('a@example'), issuer: permits(email('example')) },
      { certificate: mail('a@sub.EXAMPLE'), issuer: permits(email('.example')) },
      { certificate: mail('a@example'), issuer: permits(email('a@example')) },
      { certificate: url('https://u@example:8883/x'), issuer: permits(uri('example')) },
      { certificate: url('http://sub.example/x'), issuer: permits(uri('.example')) },
      { certificate: url('http://sub.example/x'), issuer: excludes(uri('example')) },
      { certificate: device(), issuer: permits(directory('A ')) },
      { certificate: device({}, { subject: cn('a') }), issuer: permits(directory()) },
      { certificate: named(registeredId), issuer: permits([0, fromHex('06032a0304')]) },
    ],
  },
}
