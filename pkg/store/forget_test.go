package store

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"
)

// Of the files that other machines left a week ago, a process looks at a few
// only when it joins; later ones take care of the rest.
func TestJoinForgetsAFewOthers(t *testing.T) {
	f, err := Create(t.TempDir(), "e", []byte("name: e\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.path(processDir), 0o777); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-8 * 24 * time.Hour)
	for i := range 2*forgetOthers + 5 {
		o := Owner{Host: fmt.Sprintf("elsewhere%d", i), PID: 1, Nonce: "n"}
		b, err := json.Marshal(Process{Owner: o})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.processPath(o), b, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(f.processPath(o), old, old); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{forgetOthers + 5, 5, 0} {
		s, err := f.Join(time.Minute, nil)
		if err != nil {
			t.Fatal(err)
		}
		left, err := f.Processes()
		if err != nil || len(left) != want+1 { // and this process
			t.Errorf("%d files are left, %v; want %d", len(left)-1, err, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What a process that was killed before the rename left of its file goes too.
func TestForgetHalfWritten(t *testing.T) {
	f, err := Create(t.TempDir(), "a", []byte("name: a"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Join(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.self.Owner.BootID == "" {
		t.Skip("this system does not say when it was started")
	}
	gone := s.self
	gone.Owner.StartTime++
	b, err := json.Marshal(gone)
	if err != nil {
		t.Fatal(err)
	}
	left := f.processPath(gone.Owner) + tmpMark + "0123456789ab"
	if err := os.WriteFile(left, b, 0o666); err != nil {
		t.Fatal(err)
	}
	s.forget()
	if _, err := os.Lstat(left); err == nil {
		t.Error("it is still there")
	}
	if _, err := os.Lstat(f.processPath(s.self.Owner)); err != nil {
		t.Error(err)
	}
}
