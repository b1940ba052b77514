import type { LintRule } from '../lint-rule.ts'
import { authorityKeyIdentifier } from './authority-key-identifier.ts'
import { basicConstraints } from './basic-constraints.ts'
import { caWithoutExtendedKeyUsage } from './ca-without-extended-key-usage.ts'
import { extendedKeyUsage } from './extended-key-usage.ts'
import { httpUrls } from './http-urls.ts'
import { issuerName } from './issuer-name.ts'
import { keyUsage } from './key-usage.ts'
import { knownCriticalExtensions } from './known-critical-extensions.ts'
import { noDuplicateExtension } from './no-duplicate-extension.ts'
import { serialNumber } from './serial-number.ts'
import { singleCommonName } from './single-common-name.ts'
import { subjectKeyIdentifier } from './subject-key-identifier.ts'
import { subjectPresent } from './subject-present.ts'
import { validityOrder } from './validity-order.ts'
import { version3 } from './version-3.ts'

/** Every rule, in the order of the fields they look at. */
export const lintRules: readonly LintRule[] = [
  version3,
  serialNumber,
  issuerName,
  validityOrder,
  subjectPresent,
  singleCommonName,
  noDuplicateExtension,
  authorityKeyIdentifier,
  subjectKeyIdentifier,
  keyUsage,
  basicConstraints,
  caWithoutExtendedKeyUsage,
  extendedKeyUsage,
  httpUrls,
  knownCriticalExtensions,
]
