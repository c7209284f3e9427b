/**
 * Escapes text for terminals. Any program can choose its name, so a name may contain characters that control the
 * terminal, or that change the order in which it shows the characters around them.
 */

// The direction characters are: U+061C, U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069.
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
/** JSON may contain these as they are. */
const unsafeInJson = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Shows each unsafe character as `\xHH` or `\uHHHH`. */
export function printable(text: string): string {
  return text.replace(unsafe, (char) => {
    const code = char.charCodeAt(0)
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : unicodeEscape(char)
  })
}

/** The same JSON, in which a terminal shows every character as it is. */
export function terminalJson(json: string): string {
  return json.replace(unsafeInJson, unicodeEscape)
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
