# Tool-chain: bare-metal Arm, run on an emulated board. CTest puts the emulator before each test's command.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m3 -mthumb -ffreestanding -Os")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-nostdlib -static")
# CTest does not search PATH for it.
find_program(EMUFARM emufarm REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR ${EMUFARM} run mps2-an385 --timeout 20s)
