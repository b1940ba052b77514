import { readFileSync } from 'node:fs'
import { runTool, temporaryDirectory } from '../../../../test-support/tools.ts'

/** A certificate that is its own issuer, as people make them in a hurry. */
export function generateSelfSigned(name: string): { readonly certificate: string; readonly privateKey: string } {
  const folder = temporaryDirectory()
  try {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', folder.path('key')]
    const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
    const { status, output } = runTool('openssl', [
      'req',
      '-x509',
      '-days',
      '30',
      ...key,
      ...names,
      '-out',
      folder.path('pem'),
    ])
    if (status !== 0) throw new Error(output)
    return {
      certificate: readFileSync(folder.path('pem'), 'utf8'),
      privateKey: readFileSync(folder.path('key'), 'utf8'),
    }
  } finally {
    folder.remove()
  }
}
