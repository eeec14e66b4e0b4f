// Starts Chromium, and has the checks of the scripts that use it.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));

// Loads an installed package.
export const require = createRequire(`${peers}/`);

// Starts Chromium without background traffic. The process ends after two minutes.
export async function launch() {
  setTimeout(() => fail('the run did not end within two minutes'), 120_000).unref();
  const { chromium } = require('playwright-core');
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync),
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  });
}

export function check(name, found, wanted) {
  if (found !== wanted) throw new Error(`${name}: found ${String(found).slice(0, 400)}, wanted ${String(wanted).slice(0, 200)}`);
  console.log(`ok ${name}`);
}

// The browser exits with this process.
export function fail(reason) {
  console.error(`FAILED ${reason}`);
  process.exit(1);
}
