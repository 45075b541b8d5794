// Puts a brotli and a gzip form beside each file of the build that gains from it; the server hands out the best.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const TEXT = /\.(css|html|js|json|svg|txt|webmanifest)$/
// Below this a packet holds the file as it is.
const BYTES_MIN = 1024

/** Does so for every file of a folder. */
export function compress(folder) {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    if (!TEXT.test(name) || statSync(path).size < BYTES_MIN) continue
    const content = readFileSync(path)
    const best = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length }
    writeFileSync(`${path}.br`, brotliCompressSync(content, { params: best }))
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
  }
}

/** Does so at the end of a build, when the files of public/ are there too. */
export function compressed() {
  let folder = ''
  return {
    name: 'eparch-compressed',
    apply: 'build',
    configResolved: (config) => {
      folder = join(config.root, config.build.outDir)
    },
    closeBundle: () => compress(folder),
  }
}
