import { type Certificate, decodePem, PkiError, parseCertificate } from '@fleetcert/core'
import { type EmqxVersion, parseEmqxVersion } from '../config/emqx-version.ts'
import type { EmqxSettings } from './emqx-settings.ts'
import { emqx4Settings } from './emqx4-settings.ts'
import { hoconSettings } from './hocon-settings.ts'
import { maximumConfigOctets } from './hocon-tokens.ts'
import { readHocon } from './hocon-tree.ts'
import { isEmqx4, readEmqx4 } from './read-emqx4.ts'
import { emqxLintRules } from './rules/index.ts'

/** `error`: lets somebody in, or keeps everybody out. `warning`: weaker than it could be, or cannot be judged from this text alone. */
export type EmqxLintSeverity = 'error' | 'warning'

/** What {@link lintEmqxConfig} found. Holds keys of the text, never values: findings go to logs and terminals. */
export interface EmqxFinding {
  /** The rule's id, kebab-case, stable. */
  readonly rule: string
  /** How bad it is. */
  readonly severity: EmqxLintSeverity
  /** Where, from 1 on; for something that is missing, where it belongs. */
  readonly line: number
  /** The key, written in full. */
  readonly setting: string
  /** What is wrong and why it matters. */
  readonly message: string
  /** What to write instead. */
  readonly fix: string
}

/** What is known beside the text. */
export interface LintEmqxConfigOptions {
  /** The release that the text is for. Without it the text is judged by the release that is the most dangerous with it. */
  readonly version?: EmqxVersion
  /** A device's certificate, DER or PEM: whether its CRL can be checked by this configuration. */
  readonly deviceCertificate?: Uint8Array | string
  /** The PEM files that the text names, by the path as it stands there: their order matters to EMQX. Others are not judged. */
  readonly files?: Readonly<Record<string, string>>
}

/**
 * Finds what is dangerous in a configuration of EMQX: HOCON of 5 and 6, or `emqx.conf` and the HTTP plugin's file of 4.x one after the other. An empty list: nothing found.
 * It sees this text alone: neither environment variables nor what the dashboard wrote, both of which EMQX may prefer.
 *
 * @throws PkiError `ERR_PKI_TOO_LARGE` for more than 1 MiB, `ERR_PKI_BROKER_CONFIG` for what cannot be read as EMQX reads it, and as `parseCertificate` and `decodePem` for the options
 * @throws TypeError for a version that is not known
 */
export function lintEmqxConfig(text: string, options: LintEmqxConfigOptions = {}): EmqxFinding[] {
  if (typeof text !== 'string') throw new TypeError('"text" must be a string')
  if (text.length > maximumConfigOctets) throw new PkiError('ERR_PKI_TOO_LARGE', { limitBytes: maximumConfigOctets })
  const settings = settingsOf(text, options)
  return emqxLintRules
    .flatMap(({ id, severity, check }) =>
      [...check(settings)].map(({ line, setting, ...problem }) => ({
        rule: id,
        severity: problem.severity ?? severity,
        line,
        setting: setting.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?').slice(0, 200),
        message: problem.message,
        fix: problem.fix,
      })),
    )
    .sort((one, other) => one.line - other.line)
}

function settingsOf(text: string, { version, deviceCertificate, files = {} }: LintEmqxConfigOptions): EmqxSettings {
  const release = version === undefined ? undefined : parseEmqxVersion(version)
  if (version !== undefined && release === undefined)
    throw new TypeError('"version" must be a release of EMQX or its line')
  const isOld = release === undefined ? isEmqx4(text) : release.major === 4
  return {
    ...(isOld ? emqx4Settings(readEmqx4(text)) : hoconSettings(readHocon(text))),
    release,
    deviceCertificate: deviceCertificate === undefined ? undefined : parseCertificate(deviceCertificate),
    files: new Map(Object.entries(files).map(([path, pem]) => [path, certificatesOf(pem)])),
  }
}

function certificatesOf(pem: string): Certificate[] {
  return decodePem(pem)
    .filter(({ label }) => label === 'CERTIFICATE')
    .map(({ der }) => parseCertificate(der))
}
