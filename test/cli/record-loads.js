import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

// Given to Node with --import: notes every module that a process loads, in the file that its environment names.
registerHooks({
  load(url, context, next) {
    appendFileSync(process.env.LOADS_FILE, `${url}\n`)
    return next(url, context)
  },
})
