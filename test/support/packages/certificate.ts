// Certificates that nobody earned, for tests of what the server does with them.
import { type Certificate, subjectOf } from '../../../src/format/certificate.js';
import type { Manifest } from '../../../src/format/manifest.js';
import type { ProfileDocument } from '../../../src/format/profiles.js';

/** The profile with a certificate that is valid for it in the package of `manifest`. */
export function withCertificate(
  manifest: Manifest,
  profile: ProfileDocument,
  changes: Partial<Certificate> = {},
): ProfileDocument {
  const hash = '0'.repeat(64);
  const certificate: Certificate = {
    statement: 'For tests.',
    delta: 0.05,
    risks: [{ loss: 'consistency', epsilon: 0.05, observed: 0, pValue: 0.01, test: 'none' }],
    flops: { mean: 1, bound: 2 },
    exitShares: manifest.exits.map(() => 1 / manifest.exits.length),
    images: { tune: 1, cal: 1, seed: 1 },
    path: { points: 1, certified: 0 },
    sha256: { ...subjectOf(manifest, profile), path: hash, data: hash },
    date: new Date(0).toISOString(),
    tool: 'test',
    ...changes,
  };
  return { ...profile, certificate };
}
