package models

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// UnmarshalStrict decodes JSON that is evidence. No two readers may see
// different things in it: keys that are unknown, doubled or written in another
// case, lists of another length, text that is not UTF-8 and more after the end
// are errors, which name line and key.
func UnmarshalStrict(b []byte, v any) error {
	err := json.Unmarshal(b, v, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	var syntax *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return errors.New("the file is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the file ends in the middle, in line %d after %d bytes", lineOf(b, int64(len(b))), len(b))
	case errors.As(err, &syntax):
		line := lineOf(b, syntax.ByteOffset+1)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("line %d: the key %q is there twice", line, syntax.JSONPointer.LastToken())
		}
		return fmt.Errorf("line %d is not JSON: %w", line, syntax.Err)
	case errors.As(err, &meaning):
		return meant(b, meaning)
	}
	return err
}

// meant says in words what is wrong with the meaning of JSON.
func meant(b []byte, e *json.SemanticError) error {
	line, where := lineOf(b, e.ByteOffset+1), "what it holds"
	if e.JSONPointer != "" {
		where = strings.ReplaceAll(strings.TrimPrefix(string(e.JSONPointer), "/"), "/", ".")
	}
	switch {
	case errors.Is(e.Err, json.ErrUnknownName):
		return fmt.Errorf("line %d: unknown key %q", line, where)
	case e.Err != nil:
		return fmt.Errorf("line %d: %s: %w", line, where, e.Err)
	}
	return fmt.Errorf("line %d: %s is of the wrong kind, %s", line, where, kindOf(e.JSONKind))
}

func kindOf(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "bool"
	case '"':
		return "string"
	case '0':
		return "number"
	case '{':
		return "object"
	}
	return "array"
}

// lineOf is the line, from 1, of the byte before an offset.
func lineOf(b []byte, offset int64) int {
	return 1 + bytes.Count(b[:min(max(offset-1, 0), int64(len(b)))], []byte("\n"))
}
