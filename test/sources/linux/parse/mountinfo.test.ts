/** Parsing of `/proc/P/mountinfo` and of the mount in `fdinfo`. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attributeMountsOf, localDevicesOf, mountOfFile } from '../../../../src/sources/linux/parse/mountinfo.ts'

const mounts = [
  '24 30 0:22 / /proc rw,nosuid - proc proc rw',
  '29 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
  '41 29 0:47 / /home/a\\040b rw shared:7 master:3 - nfs4 server:/home rw,hard',
  '42 29 0:48 / /mnt/ssh rw - fuse.sshfs user@host: rw,user_id=0',
  '43 29 0:49 / /mnt/ntfs rw - fuseblk /dev/vdb rw',
  '44 29 0:300 / /var/lib/overlay rw - overlay overlay rw,lowerdir=/a - b',
  '45 29 0:50 / /mnt/plan rw - 9p host rw',
  'half a line',
  '',
].join('\n')

describe('mounts', () => {
  test('have local devices as maps shows them', () => {
    expect(localDevicesOf(mounts)).toEqual(new Set(['fe:00', '00:12c']))
  })

  test('give attributes at once if they are local, or FUSE', () => {
    const answering = attributeMountsOf(mounts).flatMap(([id, answers]) => (answers ? [id] : []))
    expect(answering).toEqual([29, 42, 43, 44])
  })

  test('a file has the one that fdinfo names', () => {
    expect(mountOfFile('pos:\t0\nflags:\t0100001\nmnt_id:\t29\nino:\t3\n')).toBe(29)
    expect(mountOfFile('pos:\t0\nflags:\t0100001\n')).toBeNull()
  })

  test('any text gives mounts or none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const [id] of attributeMountsOf(`${text}\n${mounts}${text}`)) expect(id).toBeTypeOf('number')
        expect(localDevicesOf(`${text}\n${mounts}`)).toContain('fe:00')
      }),
    )
  })
})
