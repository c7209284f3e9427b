/** Gives the environment of this process to everything that reads it. This file loads quickly. */

export const environment = process.env
