/** Parses `/proc/P/mountinfo`: finds the file systems that answer from this machine alone. */

// Others may wait without end for a server (nfs, cifs, fuse, 9p, ceph) or for a program (autofs).
const localTypes: ReadonlySet<string> = new Set([
  'bcachefs',
  'btrfs',
  'devtmpfs',
  'erofs',
  'exfat',
  'ext2',
  'ext3',
  'ext4',
  'f2fs',
  'hugetlbfs',
  'iso9660',
  'jfs',
  'nilfs2',
  'ntfs3',
  'overlay',
  'ramfs',
  'reiserfs',
  'rootfs',
  'squashfs',
  'tmpfs',
  'udf',
  'vfat',
  'xfs',
  'zfs',
])

interface Mount {
  readonly id: number
  /** In the form of `maps`: hexadecimal, each part of at least two digits. */
  readonly device: string
  readonly type: string
  readonly isLocal: boolean
}

function mountsIn(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [mount = '', source = ''] = line.split(' - ', 2)
    const [id, , numbers = ''] = mount.split(' ', 3)
    const [major, minor] = numbers.split(':').map(Number)
    if (major === undefined || minor === undefined) return []
    const device = `${hexadecimalOf(major)}:${hexadecimalOf(minor)}`
    const type = source.split(' ', 1)[0]!
    return [{ id: Number(id), device, type, isLocal: localTypes.has(type) }]
  })
}

export function localDevicesOf(text: string): ReadonlySet<string> {
  return new Set(mountsIn(text).flatMap(({ device, isLocal }) => (isLocal ? [device] : [])))
}

// FUSE gives the attributes that it has, if the request permits that.
const fuseTypes = /^fuse(?:blk|\.|$)/

/**
 * Whether each mount, by its id, gives attributes of an open file that it has at once. NFS and 9p check the file first.
 * Ids are the same in all mount namespaces.
 */
export function attributeMountsOf(text: string): [id: number, answers: boolean][] {
  return mountsIn(text).map(({ id, isLocal, type }) => [id, isLocal || fuseTypes.test(type)])
}

/** The id of the mount of an open file, from its `fdinfo`; null if the kernel does not show it. */
export function mountOfFile(text: string): number | null {
  const [, id] = /^mnt_id:\s*(\d+)$/m.exec(text) ?? []
  return id === undefined ? null : Number(id)
}

function hexadecimalOf(number: number): string {
  return number.toString(16).padStart(2, '0')
}
