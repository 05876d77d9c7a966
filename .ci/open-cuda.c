// Has TensorFlow open CUDA's libraries as it does once it sees a GPU: by its own loader and search path, in the versions that
// it was built for. Then has cuDNN open its parts. Neither needs a GPU. Used by .ci/image; TensorFlow names each library
// where TF_CPP_MAX_VLOG_LEVEL is 1.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

static int fails(const char *what) {
  printf("open-cuda: %s\n", what);
  return 1;
}

// $1: the addon between Node.js and TensorFlow. What it wants of Node.js is bound lazily, which is never.
int main(int count, char **arguments) {
  void *addon = count == 2 ? dlopen(arguments[1], RTLD_LAZY) : NULL;
  if (!addon) return fails(count == 2 ? dlerror() : "give the addon");
  // absl::Status tsl::internal::DsoLoader::TryDlopenCUDALibraries(), one word, returned through a pointer; 1 is OK.
  void (*open_all)(uintptr_t *) = (void (*)(uintptr_t *))dlsym(addon, "_ZN3tsl8internal9DsoLoader22TryDlopenCUDALibrariesEv");
  if (!open_all) return fails("this TensorFlow opens CUDA's libraries in another way");
  uintptr_t status = 0;
  open_all(&status);
  if (status != 1) return fails("TensorFlow cannot open all of CUDA's libraries");
  void *cudnn = dlopen("libcudnn.so.9", RTLD_LAZY | RTLD_NOLOAD);
  if (!cudnn) return fails("cuDNN is not open");
  const char *parts[] = {"cudnnGraphVersionCheck", "cudnnOpsVersionCheck", "cudnnCnnVersionCheck", "cudnnAdvVersionCheck"};
  for (int index = 0; index < 4; index++) {
    int (*check)(void) = (int (*)(void))dlsym(cudnn, parts[index]);
    if (!check || check() != 0) return fails(parts[index]);
  }
  printf("open-cuda: all are open\n");
  return 0;
}
