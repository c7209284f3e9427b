/** Replaces bounds of the service by those in the variable BOUNDS, so that tests wait seconds and not minutes. */

import { bounds } from '../../src/base/bounds.ts'

Object.assign(bounds, JSON.parse(process.env.BOUNDS ?? '{}'))
