/** Parses `/proc/P/mountinfo`: finds the devices of file systems that answer from this machine alone. */

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

/** The devices as `maps` shows them: hexadecimal, each part of at least two digits. */
export function localDevicesOf(text: string): ReadonlySet<string> {
  const devices = new Set<string>()
  for (const line of text.split('\n')) {
    const [mount = '', source = ''] = line.split(' - ', 2)
    const [major, minor] = mount.split(' ', 3)[2]?.split(':').map(Number) ?? []
    if (major === undefined || minor === undefined) continue
    if (localTypes.has(source.split(' ', 1)[0]!)) devices.add(`${hexadecimalOf(major)}:${hexadecimalOf(minor)}`)
  }
  return devices
}

function hexadecimalOf(number: number): string {
  return number.toString(16).padStart(2, '0')
}
