/** Lets the service believe that it runs on another system: PLATFORM names it, and no native library can be loaded. */

import { registerHooks } from 'node:module'

Object.defineProperty(process, 'platform', { value: process.env.PLATFORM })
registerHooks({
  resolve: (name, context, next) => {
    if (name === 'koffi') throw new Error('there is no C library of Linux here')
    return next(name, context)
  },
})
