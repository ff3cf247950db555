package dataset

import (
	"fmt"
	"strings"

	"slimfit/models"
)

// File is one file of a known data set as it lies in the cache, unpacked.
type File struct {
	Name   string
	Size   int64  // bytes
	SHA256 string // hex
}

// Info is a known data set.
type Info struct {
	Name        string
	About       string
	Format      string       // idx or cifar
	Input       models.Shape // of one image
	ClassNames  []string     // by class
	TrainImages int          // in the training files; validation is held back from them
	TestImages  int
	Files       []File // in the order of the digest
	Digest      string // of the content, see contentDigest
	Archive     string // name of the archive that holds all files, where there is one
}

const (
	formatIDX   = "idx"
	formatCIFAR = "cifar"
)

// Registry lists the known data sets. The checksums are of the unpacked files,
// so that any mirror's way of compressing them is as good as another's.
func Registry() []Info {
	return []Info{mnist(), fashionMNIST(), cifar10()}
}

// Lookup finds a known data set by its name.
func Lookup(name string) (Info, error) {
	for _, info := range Registry() {
		if info.Name == name {
			return info, nil
		}
	}
	return Info{}, fmt.Errorf("unknown data set %q: known are %s; give path: for your own", name, strings.Join(Names(), ", "))
}

// Names are those of the known data sets.
func Names() (names []string) {
	for _, info := range Registry() {
		names = append(names, info.Name)
	}
	return names
}

func mnist() Info {
	return Info{
		Name: "mnist", About: "handwritten digits (LeCun, Cortes, Burges)",
		Format: formatIDX, Input: models.Shape{H: 28, W: 28, C: 1},
		ClassNames:  numbers(10),
		TrainImages: 60000, TestImages: 10000,
		Files: []File{
			{"train-images-idx3-ubyte", 47040016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
			{"train-labels-idx1-ubyte", 60008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
			{"t10k-images-idx3-ubyte", 7840016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
			{"t10k-labels-idx1-ubyte", 10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
		},
		Digest: "1677c5208f65e349df303aea6dc07235190fbb11cc21544f1bf93767b54bb003",
	}
}

func fashionMNIST() Info {
	return Info{
		Name: "fashion-mnist", About: "clothes by Zalando, arXiv 1708.07747",
		Format: formatIDX, Input: models.Shape{H: 28, W: 28, C: 1},
		ClassNames:  []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
		TrainImages: 60000, TestImages: 10000,
		Files: []File{
			{"train-images-idx3-ubyte", 47040016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"},
			{"train-labels-idx1-ubyte", 60008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"},
			{"t10k-images-idx3-ubyte", 7840016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"},
			{"t10k-labels-idx1-ubyte", 10008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
		},
		Digest: "e8f1932589ec731a26167f8f2aa99110a7bd704f263bc1f5649de02cb1bd010c",
	}
}

func cifar10() Info {
	return Info{
		Name: "cifar10", About: "small colour photographs (Krizhevsky), binary version",
		Format: formatCIFAR, Input: models.Shape{H: cifarEdge, W: cifarEdge, C: cifarChannels},
		ClassNames:  []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
		TrainImages: 50000, TestImages: 10000,
		Files: []File{
			{"data_batch_1.bin", 30730000, "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"},
			{"data_batch_2.bin", 30730000, "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"},
			{"data_batch_3.bin", 30730000, "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"},
			{"data_batch_4.bin", 30730000, "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"},
			{"data_batch_5.bin", 30730000, "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"},
			{"test_batch.bin", 30730000, "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"},
		},
		Archive: "cifar-10-binary.tar.gz",
		Digest:  "e1cd1e0fc84d01ff5e7b40bb484673b1869583a48f692f6aaa8380b66e813501",
	}
}

// numbers returns "0" to "n-1".
func numbers(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint(i)
	}
	return names
}
