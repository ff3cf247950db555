// Package yamlkeys reads strict YAML by a table of keys. One table says what a
// file may hold, and everything else is made from it:
//
//  1. New starts a Reader of one file; Parse takes the bytes to one document
//     without aliases and merge keys, within bounds (size, depth, values).
//  2. Set puts KEY=VALUE overrides into it, by the paths that errors name.
//  3. Check turns the document into a Value by the table (Key, and the Forms
//     of its value), and notes everything that is wrong: "file:line:column: what,
//     and the way out", with the nearest known word.
//  4. Err is all of it at once, in the file's order, as Errors.
//
// Schema and Docs write the same table as JSON Schema and as Markdown.
package yamlkeys
