package nvml

// #cgo LDFLAGS: -ldl
// #include <dlfcn.h>
// #include <stddef.h>
//
// static size_t cudnn_version(void) {
//     void *lib = dlopen("libcudnn.so.9", RTLD_LAZY | RTLD_NOLOAD);
//     if (!lib) lib = dlopen("libcudnn.so.8", RTLD_LAZY | RTLD_NOLOAD);
//     if (!lib) return 0;
//     size_t (*version)(void) = (size_t (*)(void))dlsym(lib, "cudnnGetVersion");
//     size_t v = version ? version() : 0;
//     dlclose(lib);
//     return v;
// }
import "C"

import "fmt"

// CuDNN is the version of the cuDNN library that TensorFlow has loaded into
// this process, such as 9.3.0; "" where it has loaded none.
func CuDNN() string { return cudnnText(int(C.cudnn_version())) }

// cudnnText writes cudnnGetVersion's number: 90300 is 9.3.0, and before
// version 9, 8907 is 8.9.7.
func cudnnText(v int) string {
	switch {
	case v <= 0:
		return ""
	case v < 10_000:
		return fmt.Sprintf("%d.%d.%d", v/1000, v/100%10, v%100)
	}
	return fmt.Sprintf("%d.%d.%d", v/10_000, v/100%100, v%100)
}
