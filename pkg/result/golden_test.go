package result

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"slimfit/models"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The JSON of the file formats, every key of them set: what other programs
// read, and what certificates are compared by.
func TestGoldenJSON(t *testing.T) {
	for name, value := range map[string]any{"result.json": &Result{}, "int8.json": &Int8{}, "stopped.json": &Stopped{},
		"certificate.json": &Certificate{}} {
		fill(reflect.ValueOf(value).Elem(), "")
		got, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what it was; got\n%s", name, got)
		}
		again := reflect.New(reflect.TypeOf(value).Elem()).Interface()
		dec := json.NewDecoder(bytes.NewReader(want))
		dec.DisallowUnknownFields()
		if err := dec.Decode(again); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(again, value) {
			t.Errorf("%s read again is not what was written:\n%+v\n%+v", name, again, value)
		}
	}
}

// fill sets every field that v holds to a value of its place, so that a field
// that comes changes no other line.
func fill(v reflect.Value, path string) {
	n := 1 + int(crc32.ChecksumIEEE([]byte(path))%9973)
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, n, time.UTC)))
		return
	case []models.Layer:
		v.Set(reflect.ValueOf([]models.Layer{models.NewConv(5, 2), models.NewMaxPool(4), models.NewDense(10)}))
		return
	case models.Recipe:
		v.Set(reflect.ValueOf(models.DefaultRecipe()))
		return
	case []Certificate: // one in another
		v.Set(reflect.ValueOf([]Certificate{{Format: n}}))
		return
	case map[string]any:
		v.Set(reflect.ValueOf(map[string]any{"kernel": 5.0, "activation": "relu"}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s %d", path[strings.LastIndexByte(path, '.')+1:], n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Float64:
		v.SetFloat(1 / float64(n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				fill(v.Field(i), path+"."+f.Name)
			}
		}
	default:
		panic("no rule for " + v.Type().String())
	}
}
