// Checks a HAR with the node package `har-validator`, which has the published schemas of HAR 1.2.
//
//     node har_validator.mjs < FILE
//
// Prints `valid` and the number of entries, or the errors.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const peers = process.env.PEERS ?? fileURLToPath(new URL('../../../../target/peers', import.meta.url));
const validate = createRequire(`${peers}/`)('har-validator');
const har = JSON.parse(readFileSync(0));

validate.har(har).then(
  () => console.log(`valid: ${har.log.entries.length}`),
  ({ errors }) => {
    console.log(JSON.stringify(errors, null, 2));
    process.exit(1);
  },
);
